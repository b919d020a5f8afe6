// Reads the catalog's files from the tree of a commit with isomorphic-git: no work tree, no checkout, no filters.
// A repository is written by others: links, huge files, endless trees and text that is no text are refused, all at once.
import fs from "node:fs";
import git, { type TreeEntry } from "isomorphic-git";
import type { CatalogFile } from "../../controller/ports.ts";
import type { Finding } from "../../domain/finding.ts";
import {
  catalogFolders,
  catalogLimits,
  isCatalogFile,
  overLimits,
  refusedFile,
  rootFiles,
  teamsFolder,
} from "../../domain/policies/catalog-files.ts";
import { Problem } from "../../domain/problem.ts";
import { localProblem } from "./git-problem.ts";
import { runGit } from "./run-git.ts";

const limits = { entries: 50_000, depth: 32 };
const utf8 = new TextDecoder("utf-8", { fatal: true });

interface Entry {
  /** Relative to the catalog's root. */
  readonly path: string;
  readonly oid: string;
}

interface Walk {
  readonly commit: string;
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
  const walk: Walk = { commit, gitdir, cache: {}, files: [], findings: [], entries: 0 };
  const base = await baseTree(walk, commit, root);
  await walkFolders(walk, base, "");
  for (const entry of base) {
    if (rootFiles.includes(entry.path)) await walkEntry(walk, entry, entry.path, 0);
    else if (entry.path === teamsFolder && entry.type === "tree") await walkTeams(walk, entry.oid);
  }
  // Thousands of files too many are not even asked for their sizes.
  const tooMany = walk.files.length > catalogLimits.files;
  const sizes = tooMany ? walk.files.map(({ path }) => ({ path, bytes: 0 })) : await sizesOf(walk);
  walk.findings.push(...overLimits(sizes));
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
      throw refused(commit, [refusedFile(root, "NO_SUCH_FOLDER", `there is no folder "${root}"`)]);
    tree = (await readTree(walk, next.oid)).tree;
  }
  return tree;
}

/** `templates`, `policies` and `actions`; what else stands beside them is none of gitmend's business. */
async function walkFolders(walk: Walk, entries: readonly TreeEntry[], around: string): Promise<void> {
  for (const entry of entries) {
    const path = `${around}${entry.path}`;
    if (!catalogFolders.includes(entry.path)) continue;
    if (entry.type === "tree") await walkTree(walk, entry.oid, path, 1);
    else refuse(walk, path, "NOT_A_FOLDER", `${path} must be a folder`);
  }
}

async function walkTeams(walk: Walk, oid: string): Promise<void> {
  const { tree } = await readTree(walk, oid);
  for (const team of tree) {
    countEntry(walk, teamsFolder);
    const path = `${teamsFolder}/${team.path}`;
    if (team.type !== "tree") continue;
    await walkFolders(walk, (await readTree(walk, team.oid)).tree, `${path}/`);
  }
}

function countEntry(walk: Walk, path: string): void {
  walk.entries += 1;
  if (walk.entries <= limits.entries) return;
  const message = `more than ${limits.entries} entries in templates/ and policies/`;
  throw refused(walk.commit, [refusedFile(path, "TOO_MANY_FILES", message)]);
}

/** Bounded in depth and number: a few hundred bytes of trees that name each other can stand for billions of files. */
async function walkTree(walk: Walk, oid: string, path: string, depth: number): Promise<void> {
  if (depth > limits.depth)
    return refuse(walk, path, "TOO_DEEP", `folders nest more than ${limits.depth} deep`);
  const { tree } = await readTree(walk, oid);
  for (const entry of tree) {
    countEntry(walk, path);
    await walkEntry(walk, entry, `${path}/${entry.path}`, depth);
  }
}

async function walkEntry(walk: Walk, entry: TreeEntry, path: string, depth: number): Promise<void> {
  const { mode, oid, type } = entry;
  if (mode === "120000")
    refuse(walk, path, "SYMBOLIC_LINK", "symbolic links are not followed: put the file here");
  else if (type === "commit") refuse(walk, path, "SUBMODULE", "submodules are not read");
  else if (type === "tree") await walkTree(walk, oid, path, depth + 1);
  else if (isCatalogFile(path)) walk.files.push({ path, oid });
}

/** A blob of a gigabyte never meets memory. */
async function sizesOf(walk: Walk): Promise<readonly { readonly path: string; readonly bytes: number }[]> {
  if (walk.files.length === 0) return [];
  const input = `${walk.files.map(({ oid }) => oid).join("\n")}\n`;
  const result = await runGit(walk.gitdir, ["cat-file", "--batch-check=%(objectname) %(objectsize)"], {
    input,
  });
  if (result.exitCode !== 0) throw localProblem("the catalog cache", result);
  const answers = result.stdout.trimEnd().split("\n");
  return walk.files.map(({ path, oid }, index) => {
    const bytes = Number(answers[index]?.split(" ")[1]);
    if (Number.isNaN(bytes)) throw damaged(new Error(`${path} (${oid}) is missing`));
    return { path, bytes };
  });
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
  walk.findings.push(refusedFile(file, code, message));
}

/** A commit that cannot be read as a catalog, with everything that is wrong with it. */
export function refused(commit: string, findings: readonly Finding[]): Problem {
  const listed = findings.slice(0, 3).map(({ file, message }) => `${file}: ${message}`);
  const more = findings.length > 3 ? ` (and ${findings.length - 3} more)` : "";
  return new Problem("CATALOG_INVALID", `commit ${commit.slice(0, 12)}: ${listed.join("; ")}${more}`, {
    details: { findings },
  });
}

function damaged(error: unknown): Problem {
  return new Problem("INTERNAL", `the catalog cache is damaged: ${String(error)}`, { cause: error });
}
