// Reads templates/ and policies/ from the tree of a commit with isomorphic-git: no work tree, no checkout, no filters.
// A repository is written by others: links, huge files, endless trees and text that is no text are refused, all at once.
import fs from "node:fs";
import git from "isomorphic-git";
import type { CatalogFile } from "../../controller/ports.ts";
import type { Finding } from "../../domain/finding.ts";
import { Problem } from "../../domain/problem.ts";
import { localProblem } from "./git-problem.ts";
import { runGit } from "./run-git.ts";

const folders = ["templates", "policies"];
const wanted = /\.(ya?ml|json)$/;
const limits = { blobBytes: 1024 * 1024, files: 5_000, entries: 50_000, depth: 32 };
const utf8 = new TextDecoder("utf-8", { fatal: true });

interface Entry {
  /** Relative to the catalog's root. */
  readonly path: string;
  readonly oid: string;
}

interface Walk {
  readonly gitdir: string;
  readonly cache: object;
  readonly files: Entry[];
  readonly findings: Finding[];
  entries: number;
}

/** Whether the commit and its tree can be read. @throws Problem INTERNAL when it is there and damaged. */
export async function hasCommit(gitdir: string, commit: string): Promise<boolean> {
  try {
    await git.readTree({ fs, gitdir, oid: commit });
    return true;
  } catch (error) {
    if (error instanceof git.Errors.NotFoundError && error.data.what === commit) return false;
    throw damaged(error);
  }
}

/**
 * Files in the order of their paths.
 * @throws Problem CATALOG_INVALID with `details.findings` (all of them), INTERNAL when objects are missing or damaged
 */
export async function readCatalogTree(
  gitdir: string,
  commit: string,
  root: string,
): Promise<readonly CatalogFile[]> {
  const walk: Walk = { gitdir, cache: {}, files: [], findings: [], entries: 0 };
  const base = await baseTree(walk, commit, root);
  for (const entry of base) {
    if (!folders.includes(entry.path)) continue;
    if (entry.type === "tree") await walkTree(walk, entry.oid, entry.path, 1);
    else refuse(walk, entry.path, "NOT_A_FOLDER", `${entry.path} must be a folder`);
  }
  if (walk.files.length > limits.files) {
    throw refused(commit, [
      finding(
        walk.files[limits.files]!.path,
        "TOO_MANY_FILES",
        `more than ${limits.files} files in templates/ and policies/`,
      ),
    ]);
  }
  await checkSizes(walk);
  const files: CatalogFile[] = [];
  if (walk.findings.length === 0) for (const entry of walk.files) await readText(walk, entry, files);
  if (walk.findings.length > 0) throw refused(commit, walk.findings);
  return files.sort((left, right) => (left.path < right.path ? -1 : 1));
}

async function baseTree(walk: Walk, commit: string, root: string) {
  const parts = root.split("/").filter((part) => part !== "" && part !== ".");
  let { tree } = await readTree(walk, commit);
  for (const part of parts) {
    const next = tree.find((entry) => entry.path === part);
    if (next?.type !== "tree")
      throw refused(commit, [finding(root, "NO_SUCH_FOLDER", `there is no folder "${root}"`)]);
    tree = (await readTree(walk, next.oid)).tree;
  }
  return tree;
}

/** Bounded in depth and number: a few hundred bytes of trees that name each other can stand for billions of files. */
async function walkTree(walk: Walk, oid: string, path: string, depth: number): Promise<void> {
  if (depth > limits.depth)
    return refuse(walk, path, "TOO_DEEP", `folders nest more than ${limits.depth} deep`);
  const { tree } = await readTree(walk, oid);
  for (const entry of tree) {
    walk.entries += 1;
    if (walk.entries > limits.entries) {
      throw new Problem("CATALOG_INVALID", `more than ${limits.entries} entries in templates/ and policies/`);
    }
    const entryPath = `${path}/${entry.path}`;
    if (entry.mode === "120000")
      refuse(walk, entryPath, "SYMBOLIC_LINK", "symbolic links are not followed: put the file here");
    else if (entry.type === "commit") refuse(walk, entryPath, "SUBMODULE", "submodules are not read");
    else if (entry.type === "tree") await walkTree(walk, entry.oid, entryPath, depth + 1);
    else if (wanted.test(entry.path)) walk.files.push({ path: entryPath, oid: entry.oid });
  }
}

/** Asked before any content is read: a blob of a gigabyte never meets memory. */
async function checkSizes(walk: Walk): Promise<void> {
  if (walk.files.length === 0) return;
  const input = `${walk.files.map(({ oid }) => oid).join("\n")}\n`;
  const result = await runGit(walk.gitdir, ["cat-file", "--batch-check=%(objectname) %(objectsize)"], {
    input,
  });
  if (result.exitCode !== 0) throw localProblem("the catalog cache", result);
  const answers = result.stdout.trimEnd().split("\n");
  for (const [index, entry] of walk.files.entries()) {
    const bytes = Number(answers[index]?.split(" ")[1]);
    if (Number.isNaN(bytes)) throw damaged(new Error(`${entry.path} (${entry.oid}) is missing`));
    if (bytes > limits.blobBytes) {
      refuse(walk, entry.path, "FILE_TOO_LARGE", `${bytes} bytes, more than ${limits.blobBytes}`);
    }
  }
}

async function readText(walk: Walk, entry: Entry, files: CatalogFile[]): Promise<void> {
  const { gitdir, cache } = walk;
  const { blob } = await git.readBlob({ fs, gitdir, cache, oid: entry.oid }).catch((error: unknown) => {
    throw damaged(error);
  });
  try {
    files.push({ path: entry.path, text: utf8.decode(blob) });
  } catch {
    refuse(walk, entry.path, "NOT_UTF8", "not UTF-8 text");
  }
}

async function readTree({ gitdir, cache }: Walk, oid: string) {
  return await git.readTree({ fs, gitdir, cache, oid }).catch((error: unknown) => {
    throw damaged(error);
  });
}

function refuse(walk: Walk, file: string, code: string, message: string): void {
  walk.findings.push(finding(file, code, message));
}

function finding(file: string, code: string, message: string): Finding {
  return { file, line: 1, column: 1, severity: "error", code, message };
}

function refused(commit: string, findings: readonly Finding[]): Problem {
  const listed = findings.slice(0, 3).map(({ file, message }) => `${file}: ${message}`);
  const more = findings.length > 3 ? ` (and ${findings.length - 3} more)` : "";
  return new Problem("CATALOG_INVALID", `commit ${commit.slice(0, 12)}: ${listed.join("; ")}${more}`, {
    details: { findings },
  });
}

function damaged(error: unknown): Problem {
  return new Problem("INTERNAL", `the catalog cache is damaged: ${String(error)}`, { cause: error });
}
