// How a request for approval stands, in words, beside the request: one line for its status, and one comment that is kept up to date.
// Whatever came from elsewhere is escaped: it can neither format nor mention anybody.
import { durationText } from "../duration.ts";
import { fenced, prose } from "../plain-text.ts";
import { changeLines } from "../planning/change-text.ts";
import type { AddedApprovers, Approval, PlanEdit } from "./gate.ts";

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
  /** What people have changed since they were asked, in this order. */
  readonly edits: readonly PlanEdit[];
  /** Who may approve too, because nobody has decided in time. */
  readonly added: readonly AddedApprovers[];
  /** Names of alerts that joined since people were asked. */
  readonly joined: readonly string[];
  /** ISO 8601. */
  readonly expiresAt: string;
  /** Who has stopped it here; null: it is not stopped. */
  readonly heldBy: string | null;
  /** Somebody has asked what can be said here, or has said something else. */
  readonly asksHelp: boolean;
  /** Short, of the execution. */
  readonly id: string;
}

const longestStatus = 140;
const mostShown = 10;

export function noteOnOpen({
  approvals,
  remarks,
  missing,
  edits,
  added,
  joined,
  expiresAt,
  heldBy,
  asksHelp,
  id,
}: OpenRequest): RequestNote {
  const by = approvals.length === 0 ? "" : `approved by ${approvals.map((one) => one.by).join(", ")}; `;
  const waits = missing === "" ? "waits to be merged" : `waits for ${missing}`;
  const until = `${expiresAt.slice(11, 16)} UTC`;
  const held = heldBy === null ? [] : [heldText(heldBy, id)];
  const help = asksHelp ? [helpText(id)] : [];
  const parts = [
    ...held,
    ...whoEdited(edits),
    ...whoWasAdded(added),
    ...doesNotCount(remarks),
    ...whoJoined(joined),
    ...help,
  ];
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

/** Break-glass: nobody is waited for any more. @param lifted `break-glass by ana: …` */
export function noteOnLifted(lifted: string): RequestNote {
  return {
    state: "failure",
    status: short(`not approved: ${lifted}`),
    comment: `**Not waited for**: ${prose(lifted)}.\n\nThe plan goes on without an approval; what is decided here changes nothing any more.`,
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

function heldText(by: string, id: string): string {
  return `**Held by ${prose(by)}**: nothing starts, approved or not, until \`gitmend resume --execution ${id}\`. Its time goes on.`;
}

/** Nothing that is said approves. */
function helpText(id: string): string {
  return [
    "What can be said here, each on a line of its own at the beginning of a comment:",
    [
      `- \`/gitmend hold\`: nothing starts, approved or not, until \`gitmend resume --execution ${id}\``,
      "- `/gitmend help`: this",
    ].join("\n"),
    "A yes is an approving review and the merge, a no is closing it.",
  ].join("\n\n");
}

function whoEdited(edits: OpenRequest["edits"]): readonly string[] {
  const lines = edits.flatMap(({ changes }) => changeLines(changes, mostShown));
  if (lines.length === 0) return [];
  const people = [...new Set(edits.flatMap(({ by }) => by))];
  return [
    `Changed by ${people.map((one) => prose(one)).join(", ")}; the plan was made anew, and what was approved before does not count:`,
    fenced(lines, "diff"),
  ];
}

function whoWasAdded(added: OpenRequest["added"]): readonly string[] {
  const lines = added.map(
    ({ afterSeconds, from }) =>
      `**Nobody has decided within ${durationText(afterSeconds)}**: ${prose(from.join(" or "))} may approve too.`,
  );
  return [...new Set(lines)];
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
