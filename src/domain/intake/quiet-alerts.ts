// Alerts of kube-prometheus that are about alerting itself: one always fires to say that alerts arrive, the other only
// inhibits. They are no firings and start nothing.

/** The sign of life of a source. */
export const watchdogName = "Watchdog";

export function isQuiet(name: string): boolean {
  return name === watchdogName || name === "InfoInhibitor";
}
