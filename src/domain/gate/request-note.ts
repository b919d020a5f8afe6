// How a request for approval stands, in words, beside the request: one line for its status, and one comment that is kept up to date.
// Whatever came from elsewhere is escaped: it can neither format nor mention anybody.
import { prose } from "../plain-text.ts";
import type { Approval } from "./gate.ts";

export interface RequestNote {
  readonly state: "pending" | "success" | "failure";
  /** One line of plain text, at most 140 characters. */
  readonly status: string;
  /** Markdown; null: there is nothing that the request and its status do not say. */
  readonly comment: string | null;
}

export interface OpenRequest {
  readonly approvals: readonly Approval[];
  /** What does not count, each with the reason. */
  readonly remarks: readonly string[];
  /** For people: `1 more of team:sre`; "": it is enough. */
  readonly missing: string;
  /** Names of alerts that joined since people were asked. */
  readonly joined: readonly string[];
  /** ISO 8601. */
  readonly expiresAt: string;
}

const longestStatus = 140;
const mostShown = 10;

export function noteOnOpen({ approvals, remarks, missing, joined, expiresAt }: OpenRequest): RequestNote {
  const by = approvals.length === 0 ? "" : `approved by ${approvals.map((one) => one.by).join(", ")}; `;
  const waits = missing === "" ? "waits to be merged" : `waits for ${missing}`;
  const until = `${expiresAt.slice(11, 16)} UTC`;
  const parts = [...doesNotCount(remarks), ...whoJoined(joined)];
  return {
    state: "pending",
    status: short(`${by}${waits} until ${until}`),
    comment: parts.length === 0 ? null : parts.join("\n\n"),
  };
}

export function noteOnApproved(approvals: readonly Approval[]): RequestNote {
  return {
    state: "success",
    status: short(`approved by ${approvals.map(({ by }) => by).join(", ")}`),
    comment: null,
  };
}

/** @param outcome `refused`, `expired`, `rejected`, … */
export function noteOnEnd(outcome: string, reason: string): RequestNote {
  return {
    state: "failure",
    status: short(`${outcome}: ${reason}`),
    comment: `**${prose(outcome)}**: ${prose(reason)}.\n\nNothing was changed.`,
  };
}

function doesNotCount(remarks: readonly string[]): readonly string[] {
  if (remarks.length === 0) return [];
  const lines = remarks.slice(0, mostShown).map((remark) => `- ${prose(remark)}`);
  const others = remarks.length - lines.length;
  return [[...lines, ...(others > 0 ? [`- and ${others} more like these`] : [])].join("\n")];
}

function whoJoined(names: readonly string[]): readonly string[] {
  if (names.length === 0) return [];
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  const kinds = [...counts];
  const lines = kinds.slice(0, mostShown).map(([name, count]) => `- ${prose(name)}: ${count}`);
  return [
    `Alerts that joined since people were asked; the plan is the same${more(kinds)}:\n\n${lines.join("\n")}`,
  ];
}

function more({ length }: readonly unknown[]): string {
  return length > mostShown ? ` (the first ${mostShown} of ${length})` : "";
}

function short(text: string): string {
  const characters = [...text.replaceAll(/\s+/g, " ")];
  return characters.length <= longestStatus
    ? characters.join("")
    : `${characters.slice(0, longestStatus - 1).join("")}…`;
}
