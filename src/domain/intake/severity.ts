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

/** The words of all severities that are as bad or worse, in small letters. Of one that is not known: every word that is. */
export function asBadOrWorse(severity: string): readonly string[] {
  return words.slice(Math.max(0, severityRank(severity) - 1)).flat();
}
