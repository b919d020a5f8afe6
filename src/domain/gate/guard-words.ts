// What a guard says, in a few words, for whoever has to judge that it says less now.
import type { ConditionTree, GuardEvent, GuardRule } from "../policies/rule.ts";

const longest = 160;

/** `asks 2 of team:sre within 30m when plan.risk in ["high"]`. Not cleaned: it holds what people wrote. */
export function guardWords({ alertNames, condition, event }: GuardRule): string {
  const when = treeWords(condition);
  const named = alertNames === null ? "" : ` for ${alertNames.join(", ")}`;
  const whole = `${eventWords(event)}${named}${when === "" ? "" : ` when ${when}`}`;
  return whole.length <= longest ? whole : `${whole.slice(0, longest - 1)}…`;
}

function eventWords(event: GuardEvent): string {
  switch (event.type) {
    case "deny":
      return "denies";
    case "require-approval": {
      const { from, approvals, expires, next = [] } = event.params;
      const others = next.map((one) => `, after ${one.after} also ${one.from.join(", ")}`).join("");
      return `asks ${approvals} of ${from.length === 0 ? "anybody" : from.join(", ")} within ${expires}${others}`;
    }
    case "limit": {
      const { scope, running, starts, per = "1h", share } = event.params;
      const parts = [
        ...(running === undefined ? [] : [`${running} running`]),
        ...(starts === undefined ? [] : [`${starts} starts in ${per}`]),
        ...(share === undefined ? [] : [`${share} in ${per}`]),
      ];
      return `allows ${parts.join(", ")} a ${scope}`;
    }
    case "set-mode":
      return "only observes";
    case "set-repair":
      return {
        git: "repairs in Git alone",
        live: "repairs live what others apply",
        both: "repairs live and in Git",
      }[event.params.repair];
    case "waive-approval":
      return `waives the approval up to risk ${event.params.max_risk}`;
  }
}

function treeWords(tree: ConditionTree): string {
  if ("all" in tree) return joined(tree.all, " and ");
  if ("any" in tree) return joined(tree.any, " or ");
  if ("not" in tree) return `not (${treeWords(tree.not)})`;
  return tree.leaf.text;
}

function joined(parts: readonly ConditionTree[], word: string): string {
  const words = parts.map(treeWords).filter((text) => text !== "");
  return words.length > 1 ? `(${words.join(word)})` : (words[0] ?? "");
}
