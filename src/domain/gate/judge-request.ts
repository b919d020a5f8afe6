// What a pull request of a forge is worth: who has approved the commit that gitmend wrote, and whether that is what was merged.
// Pure; each forge only brings what it knows into this shape. Whether the approvals are enough is judged elsewhere.
import type { Approval } from "./gate.ts";

/** As the forge calls it; capitals do not matter. */
export type Account = string;

export interface Review {
  readonly by: Account;
  /** `void`: dismissed, or taken back. A comment is no opinion and is left out. */
  readonly opinion: "approves" | "objects" | "void";
  /** The head that it was made on. */
  readonly commit: string;
  /** ISO 8601, as the forge says: only recorded, nothing is decided by it. */
  readonly at: string;
}

/** A pull request, and the branch that it is about, as the forge has them now. */
export interface RequestSeen {
  /** `gone`: its branch was deleted and it was not merged. */
  readonly state: "open" | "closed" | "gone" | "merged";
  readonly base: string;
  /** Of the branch; after a merge, what was merged. */
  readonly head: string;
  /** Whoever closed or merged it; null: not known. */
  readonly endedBy: Account | null;
  /** Closed by gitmend: for which reason. */
  readonly label: string | null;
  /** In the order in which they were made. */
  readonly reviews: readonly Review[];
  /** Authors and committers of commits on the branch that gitmend did not write. */
  readonly editors: readonly Account[];
  /** Whether the file is, where it was merged to, as gitmend wrote it; null: not merged. */
  readonly intact: boolean | null;
  readonly mergeCommit: string | null;
  readonly mergedAt: string | null;
  /** What stands at the head while it is another than the one that gitmend wrote; null: it is that one, or the request is over. */
  readonly edit: EditSeen | null;
  /** Comments of an open request that begin with `/gitmend`, in the order in which they were made. */
  readonly commands: readonly CommandSeen[];
}

export interface EditSeen {
  /** The approval file; null: it is gone, or no text. */
  readonly text: string | null;
  /** All files that the request changes. */
  readonly files: readonly string[];
  /** On top of what gitmend wrote; null: that is not in the branch any more. */
  readonly commits: readonly EditCommit[] | null;
}

export interface EditCommit {
  readonly sha: string;
  /** Who has made it, where the forge proves that; null: it does not, for names in Git are what one likes. */
  readonly by: Account | null;
}

export interface CommandSeen {
  readonly by: Account;
  /** Its first line. */
  readonly text: string;
  /** ISO 8601, as the forge says. */
  readonly at: string;
}

/** A change of the approval file that known people have made and nothing beside it: whether it may stand is judged elsewhere. */
export interface RequestEdit {
  readonly head: string;
  /** People of `approvals.people`. */
  readonly by: readonly string[];
  readonly text: string;
}

export interface RequestCommand {
  /** Of `approvals.people`. */
  readonly by: string;
  /** What follows `/gitmend`. */
  readonly command: string;
  readonly at: string;
}

export interface RequestRules {
  readonly base: string;
  /** The commit that gitmend wrote. */
  readonly head: string;
  /** Person by account, in small letters. */
  readonly people: ReadonlyMap<Account, string>;
  /** gitmend's own account. */
  readonly bot: Account;
  /** The approval file; null: nothing may be edited. */
  readonly file: string | null;
}

export type RequestJudged =
  | {
      readonly state: "open";
      readonly approvals: readonly Approval[];
      readonly remarks: readonly string[];
      readonly edit: RequestEdit | null;
      readonly commands: readonly RequestCommand[];
    }
  | {
      readonly state: "merged";
      readonly approvals: readonly Approval[];
      readonly commit: string;
      readonly problem: string | null;
    }
  | { readonly state: "closed"; readonly by: string | null; readonly reason: string };

export function judgeRequest(seen: RequestSeen, rules: RequestRules): RequestJudged {
  switch (seen.state) {
    case "open": {
      const { approvals, remarks } = count(seen, rules);
      const { edit, refusals } = editOf(seen, rules);
      const commands = seen.commands.flatMap((one) => commandOf(one, rules));
      const counting = edited(seen, rules) === null ? approvals : [];
      return { state: "open", approvals: counting, remarks: [...refusals, ...remarks], edit, commands };
    }
    case "merged":
      return merged(seen, rules);
    case "closed":
      return closed(seen, rules);
    case "gone":
      return { state: "closed", by: null, reason: "the branch was deleted" };
  }
}

function merged(seen: RequestSeen, rules: RequestRules): RequestJudged {
  const { approvals, remarks } = count(seen, rules);
  const why = remarks.length === 0 ? "" : ` (${remarks.slice(0, 3).join("; ")})`;
  const problem =
    edited(seen, rules)?.[0] ??
    (seen.base === rules.base ? null : `it was merged into ${seen.base}, not ${rules.base}`) ??
    (seen.intact === true ? null : "the merge changed the file") ??
    (approvals.length === 0 ? `merged without an approval that counts${why}` : null);
  const commit = seen.mergeCommit ?? seen.head;
  return { state: "merged", approvals: problem === null ? approvals : [], commit, problem };
}

function closed({ endedBy, label }: RequestSeen, { bot, people }: RequestRules): RequestJudged {
  if (label !== null) return { state: "closed", by: bot, reason: label };
  const who = endedBy === null ? null : (people.get(key(endedBy)) ?? endedBy);
  return { state: "closed", by: who, reason: "the pull request was closed" };
}

/** What stands there now is not what gitmend asked about. */
function edited({ head }: RequestSeen, rules: RequestRules): readonly string[] | null {
  if (head === rules.head) return null;
  return [
    `the branch is at ${head.slice(0, 12)}: somebody has pushed to it after gitmend wrote ${rules.head.slice(0, 12)}`,
  ];
}

/** The edit of an open request, or why it is none that counts. */
function editOf(
  seen: RequestSeen,
  rules: RequestRules,
): { readonly edit: RequestEdit | null; readonly refusals: readonly string[] } {
  const moved = edited(seen, rules);
  if (moved === null) return { edit: null, refusals: [] };
  if (rules.file === null)
    return {
      edit: null,
      refusals: [...moved, "a repair is merged or closed as it is: change it in a branch of your own"],
    };
  const why = whyNoEdit(seen, rules);
  const { edit, head } = seen;
  const refusals = [...moved, ...(why ?? [])];
  if (why !== null || edit === null || edit.text === null) return { edit: null, refusals };
  const by = new Set((edit.commits ?? []).map((one) => rules.people.get(key(one.by ?? "")) ?? ""));
  return { edit: { head, by: [...by], text: edit.text }, refusals };
}

function whyNoEdit({ edit }: RequestSeen, { file, people }: RequestRules): readonly string[] | null {
  if (edit === null) return [];
  const { commits, files, text } = edit;
  const others = files.filter((name) => name !== file);
  const unproven = commits?.find(({ by }) => by === null);
  const stranger = commits?.find(({ by }) => by !== null && !people.has(key(by)));
  if (commits === null) return ["the branch was rewritten: what gitmend wrote is not in it"];
  if (others.length > 0) return [`only ${file} may be edited, not ${others.slice(0, 3).join(", ")}`];
  if (text === null) return [`${file} is not there as text`];
  if (unproven !== undefined)
    return [
      `nothing proves who made ${unproven.sha.slice(0, 12)}: edit on the forge's page, or sign the commit`,
    ];
  if (stranger !== undefined)
    return [`${stranger.by} may not edit it: nobody of approvals.people has this account`];
  return null;
}

function commandOf({ by, text, at }: CommandSeen, { people }: RequestRules): readonly RequestCommand[] {
  const person = people.get(key(by));
  const command = /^\/gitmend\s+(\S.*)$/.exec(text.trim())?.[1] ?? "help";
  return person === undefined ? [] : [{ by: person, command, at }];
}

interface Counted {
  readonly approvals: readonly Approval[];
  readonly remarks: readonly string[];
}

/** The last opinion of each account; a person with an account that objects does not approve with another. */
function count(seen: RequestSeen, rules: RequestRules): Counted {
  const last = new Map(seen.reviews.map((review) => [key(review.by), review]));
  const objecting = new Set(
    [...last.values()]
      .filter(({ opinion }) => opinion === "objects")
      .map(({ by }) => rules.people.get(key(by))),
  );
  const editors = new Set(seen.editors.map((account) => rules.people.get(key(account)) ?? key(account)));
  const approvals = new Map<string, Approval>();
  const remarks: string[] = [];
  for (const review of [...last.values(), ...merger(seen, last)]) {
    if (review.opinion !== "approves") continue;
    const person = rules.people.get(key(review.by));
    const refusal = refusalOf(review, person, editors, rules);
    if (refusal !== null) remarks.push(`${review.by} does not count: ${refusal}`);
    else if (person !== undefined && !objecting.has(person) && !approvals.has(person))
      approvals.set(person, { by: person, at: review.at, commit: review.commit, verified: true });
  }
  return { approvals: [...approvals.values()], remarks };
}

/** Whoever merges has looked at it too, unless they said otherwise. */
function merger(
  { state, endedBy, head, mergedAt }: RequestSeen,
  last: ReadonlyMap<string, Review>,
): readonly Review[] {
  if (state !== "merged" || endedBy === null || last.get(key(endedBy))?.opinion === "objects") return [];
  return [{ by: endedBy, opinion: "approves", commit: head, at: mergedAt ?? "" }];
}

function refusalOf(
  { by, commit }: Review,
  person: string | undefined,
  editors: ReadonlySet<string>,
  { bot, head }: RequestRules,
): string | null {
  if (key(by) === key(bot)) return "gitmend cannot approve its own plan";
  if (person === undefined) return "nobody of approvals.people has this account";
  if (editors.has(person)) return "whoever has changed the branch cannot approve it";
  return commit === head ? null : `it approves ${commit.slice(0, 12)}, not ${head.slice(0, 12)}`;
}

function key(account: Account): string {
  return account.toLowerCase();
}
