// Which guards lift something that holds without them. They fire on what is known alone, and a new one loosens.
import type { GuardEvent } from "./rule.ts";

export function lifts(event: GuardEvent): boolean {
  return event.type === "waive-approval" || (event.type === "set-repair" && event.params.repair !== "git");
}
