// Judges the commits that people put on top of what gitmend wrote. What counts changes nothing but one line under `approvals:`
// (or adds the line of a rejection), is signed by the person that the line names, and names the head that gitmend wrote.
import { parse } from "yaml";
import type { Approval } from "../../../domain/gate/gate.ts";
import { isObject } from "../../../domain/json.ts";
import { oneLine } from "../../../domain/plain-text.ts";

/** One commit as Git tells it. */
export interface BranchCommit {
  readonly id: string;
  readonly parents: readonly string[];
  /** Paths that differ from the only parent. */
  readonly changed: readonly string[];
  /** The approval file before and after; null: not there. */
  readonly before: string | null;
  readonly after: string | null;
  /** `%G?`: G is a good signature of a known person; N is none. */
  readonly signature: string;
  /** Principal of the signature. */
  readonly signer: string;
}

export interface Rules {
  readonly file: string;
  /** The commit that gitmend wrote. */
  readonly head: string;
  readonly people: ReadonlySet<string>;
  readonly bot: string;
  /** Unsigned lines count as unverified: for the demo only. */
  readonly unsignedAllowed: boolean;
}

export interface Judged {
  readonly approvals: readonly Approval[];
  readonly rejection: { readonly by: string | null; readonly reason: string } | null;
  /** Commits that do not count, with the reason. */
  readonly remarks: readonly string[];
  /** Somebody changed more than lines of approval: nothing on this branch counts. */
  readonly edited: string | null;
  /** Who has signed every commit that changed more; null: nobody, or nobody who is known did one of them. */
  readonly editors: readonly string[] | null;
}

/** @param commits from the one after `head` to the tip, in order */
export function judgeCommits(commits: readonly BranchCommit[], rules: Rules): Judged {
  const approvals: Approval[] = [];
  const remarks: string[] = [];
  let rejection: Judged["rejection"] = null;
  for (const commit of commits) {
    const line = addedLine(commit, rules.file);
    if (typeof line === "string") {
      const edited = `commit ${commit.id.slice(0, 12)} ${line}: the branch is no longer what gitmend wrote`;
      const editors = editorsOf(commits, rules);
      return { approvals: [], rejection, remarks: [...remarks, edited], edited, editors };
    }
    const { by, at, verified, refusal } = judgeLine(line, commit, rules);
    if (line.kind === "rejected") {
      // A rejection stops something, so it needs no proof; but whom it is recorded for does.
      const reason = oneLine(line.values.reason ?? "", 200) || "no reason given";
      rejection ??=
        refusal === null && verified
          ? { by, reason }
          : { by: null, reason: `${reason} (signed by nobody known)` };
    } else if (refusal !== null) remarks.push(`commit ${commit.id.slice(0, 12)} does not count: ${refusal}`);
    else if (!approvals.some((approval) => approval.by === by))
      approvals.push({ by, at, commit: commit.id, verified });
  }
  return { approvals, rejection, remarks, edited: null, editors: null };
}

/** Of a file alone can be read what was changed: a merge, or other files, are nobody's edit of it. */
function editorsOf(commits: readonly BranchCommit[], rules: Rules): readonly string[] | null {
  const edits = commits.filter((commit) => typeof addedLine(commit, rules.file) === "string");
  const known = edits.every(
    ({ parents, changed, signature, signer }) =>
      parents.length === 1 &&
      changed.every((path) => path === rules.file) &&
      signature === "G" &&
      signer !== rules.bot &&
      rules.people.has(signer),
  );
  return known ? [...new Set(edits.map(({ signer }) => signer))] : null;
}

type Values = Readonly<Record<string, string>>;

interface Line {
  readonly kind: "approval" | "rejected";
  readonly values: Values;
}

/** The one line that the commit adds at the end of the file, or what it does instead. */
function addedLine({ parents, changed, before, after }: BranchCommit, file: string): Line | string {
  if (parents.length !== 1) return "is a merge";
  if (changed.some((path) => path !== file)) return "changes other files";
  if (before === null || after === null) return "removes the file";
  if (!after.startsWith(before) || after === before) return "changes what was there";
  const added = after.slice(before.length);
  if (!/^[^\n]+\n$/.test(added)) return "adds more than one line";
  const approval = /^ {2}- (\{.*\})\n$/.exec(added)?.[1];
  const rejected = /^rejected: (\{.*\})\n$/.exec(added)?.[1];
  const values = flowValues(approval ?? rejected);
  if (values === null || before.includes("\nrejected: ")) return "adds a line that is no approval";
  return { kind: approval === undefined ? "rejected" : "approval", values };
}

function flowValues(text: string | undefined): Values | null {
  if (text === undefined) return null;
  try {
    const values: unknown = parse(text, { maxAliasCount: 0, schema: "failsafe" });
    if (!isObject(values) || !Object.values(values).every((value) => typeof value === "string")) return null;
    return values as Values;
  } catch {
    return null;
  }
}

function judgeLine(
  { values }: Line,
  commit: BranchCommit,
  rules: Rules,
): { by: string; at: string; verified: boolean; refusal: string | null } {
  const by = oneLine(values.by ?? "", 100);
  const at = values.at ?? "";
  const verified = commit.signature === "G" && commit.signer === by;
  return { by, at, verified, refusal: refusalOf({ ...values, by, at }, commit, rules) };
}

function refusalOf(values: Values, { signature, signer }: BranchCommit, rules: Rules): string | null {
  const by = values.by ?? "";
  if (values.head !== rules.head)
    return `it approves ${oneLine(values.head ?? "nothing", 50)}, not ${rules.head}`;
  if (by === rules.bot || signer === rules.bot) return "gitmend cannot approve its own plan";
  if (!rules.people.has(by)) return `${by === "" ? "nobody" : by} is not in approvals.people`;
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/.test(values.at ?? ""))
    return "its time is not an instant";
  if (signature === "G") return signer === by ? null : `${signer} signed it, not ${by}`;
  if (signature !== "N") return `its signature is not one of ${by} (git says ${signature})`;
  return rules.unsignedAllowed ? null : "it is not signed";
}
