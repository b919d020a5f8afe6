// What people are told about a proposed change of the config repository: a status of one sentence, and a comment with the findings.
// Whoever opens a pull request chooses names, paths and texts in it: all of it is shown as text, and no more than people read.
import type { Finding } from "../finding.ts";
import { code, oneLine, prose } from "../plain-text.ts";

export interface ChangeNote {
  readonly state: "success" | "failure";
  /** At most 140 characters. */
  readonly status: string;
  /** Markdown; null: there is nothing to say. */
  readonly comment: string | null;
}

const mostFindings = 50;
const longestStatus = 140;

/**
 * @param head 40 hex
 * @param baseProblem why the guards were not compared; null: they were
 * @param waitsFor who has to sign a commit that loosens guards; null: nobody is configured
 */
export function changeNote(
  head: string,
  findings: readonly Finding[],
  baseProblem: string | null,
  waitsFor: string | null,
): ChangeNote {
  const errors = findings.filter(({ severity }) => severity === "error").length;
  const loosened = findings.filter(isLoosened).length;
  const warnings = findings.length - errors - loosened;
  const parts = [
    ...(errors > 0 ? [counted(errors, "error")] : []),
    ...(warnings > 0 ? [counted(warnings, "warning")] : []),
    ...(loosened > 0 ? [`${counted(loosened, "guard")} loosened`] : []),
    ...(baseProblem === null ? [] : ["guards not compared"]),
  ];
  const verdict = errors > 0 ? "gitmend would not use this" : "gitmend can use this";
  return {
    state: errors > 0 ? "failure" : "success",
    status: oneLine(parts.length === 0 ? verdict : `${verdict}: ${parts.join(", ")}`, longestStatus),
    comment:
      parts.length === 0
        ? null
        : [
            `**${verdict}**: ${parts.join(", ")} in ${code(head.slice(0, 12))}.`,
            ...(baseProblem === null ? [] : ["", `The guards were not compared: ${prose(baseProblem)}.`]),
            ...(loosened === 0 ? [] : ["", ...loosenedLines(findings, waitsFor)]),
            ...listed(findings.filter((finding) => !isLoosened(finding))),
          ].join("\n"),
  };
}

function isLoosened({ code: name }: Finding): boolean {
  return name === "GUARD_LOOSENED";
}

function loosenedLines(findings: readonly Finding[], waitsFor: string | null): readonly string[] {
  const consequence =
    waitsFor === null
      ? "It counts as soon as it is merged: `loosening` of gitmend.yaml names nobody who would have to agree."
      : `Until ${prose(waitsFor)} have signed the merged commit, the stricter guards count.`;
  return ["It stops less than before:", ...listed(findings.filter(isLoosened)), "", consequence];
}

function listed(findings: readonly Finding[]): readonly string[] {
  if (findings.length === 0) return [];
  const more = findings.length - mostFindings;
  return [
    "",
    ...findings.slice(0, mostFindings).map(findingLine),
    ...(more > 0 ? [`- and ${more} more: \`gitmend validate\` shows them`] : []),
  ];
}

function findingLine({ file, line, column, severity, code: name, message }: Finding): string {
  const mark = severity === "error" ? "**error** " : "";
  return `- ${code(`${file}:${line}:${column}`)} ${mark}${name}: ${prose(message, 600)}`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
