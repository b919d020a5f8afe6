// Which of two alerts is worse. Severities are what people write into rules; the usual words are known, all others count least.

const words: readonly (readonly string[])[] = [
  ["info", "information", "low"],
  ["warning", "warn", "medium", "minor"],
  ["error", "high", "major"],
  ["critical", "crit", "page", "emergency", "disaster"],
];

/** 0 for what is unknown or left out. */
export function severityRank(severity: string): number {
  return words.findIndex((alike) => alike.includes(severity.toLowerCase())) + 1;
}
