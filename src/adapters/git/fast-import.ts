// The input of `git fast-import` for one flush: commits in order, each with whole files, on a private reference.
import type { RecordCommit } from "../../controller/ports.ts";
import { Problem } from "../../domain/problem.ts";

export interface Identity {
  readonly name: string;
  readonly email: string;
}

/** Where a flush is built; nobody reads it and it is deleted when the branch moves. */
export const flushReference = "refs/gitmend/flush";

/** @param parent the commit that the first one follows; null: the first commit of the branch */
export function fastImportInput(
  commits: readonly RecordCommit[],
  parent: string | null,
  by: Identity,
): string {
  const parts: string[] = [];
  for (const [index, commit] of commits.entries()) {
    parts.push(`commit ${flushReference}\nmark :${index + 1}\n`);
    parts.push(`author ${person(by)} ${gitDate(commit.at)}\ncommitter ${person(by)} ${gitDate(commit.at)}\n`);
    parts.push(data(commit.message));
    if (index > 0) parts.push(`from :${index}\n`);
    else if (parent !== null) parts.push(`from ${parent}\n`);
    for (const [path, text] of Object.entries(commit.files)) {
      parts.push(`M 100644 inline ${checkedPath(path)}\n${data(text)}`);
    }
    parts.push("\n");
  }
  for (const index of commits.keys()) parts.push(`get-mark :${index + 1}\n`);
  return `${parts.join("")}done\n`;
}

/** `1763373600 +0000`: whole seconds, UTC. */
export function gitDate(at: string): string {
  const milliseconds = Date.parse(at);
  if (Number.isNaN(milliseconds)) throw new Problem("INTERNAL", `"${at}" is not an instant`);
  return `${Math.floor(milliseconds / 1000)} +0000`;
}

function person({ name, email }: Identity): string {
  return `${name.replaceAll(/[<>\n\0]/g, "")} <${email.replaceAll(/[<>\s\0]/g, "")}>`;
}

function data(text: string): string {
  return `data ${Buffer.byteLength(text, "utf8")}\n${text}\n`;
}

/** Paths come from ids and dates; anything else is a mistake, not a name to quote. */
function checkedPath(path: string): string {
  const parts = path.split("/");
  const plain = parts.every(
    (part) => /^[\w.-]+$/.test(part) && part !== "." && part !== ".." && part !== ".git",
  );
  if (!plain) throw new Problem("INTERNAL", `"${path}" is not a path of a record`);
  return path;
}
