// Reads the catalog's files from a folder, as the controller reads them from a commit, for the commands that work on files:
// what the controller would refuse to read is a finding here too.
import type { Dirent } from "node:fs";
import { lstat, readdir, readFile } from "node:fs/promises";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { actions } from "../actions/registry.ts";
import type { CatalogFile } from "../controller/ports.ts";
import type { Finding } from "../domain/finding.ts";
import type { Catalog } from "../domain/policies/catalog.ts";
import {
  catalogFolders,
  isCatalogFile,
  overLimits,
  refusedFile,
  rootFiles,
  teamsFolder,
} from "../domain/policies/catalog-files.ts";
import { compileCatalog } from "../domain/policies/compile-catalog.ts";
import { Problem } from "../domain/problem.ts";
import type { Scope } from "../domain/templates/scope.ts";

export interface CatalogFolder {
  /** Absolute. */
  readonly root: string;
  /** Sorted by path. */
  readonly files: readonly CatalogFile[];
  /** Of what the controller would not read. */
  readonly findings: readonly Finding[];
  /** The one file that was asked for, relative to the root; null: all of them. */
  readonly only: string | null;
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** A folder, or a file of one: then the whole catalog around it is read. @throws Problem USAGE when there is none */
export async function readCatalogFolder(path: string): Promise<CatalogFolder> {
  const found = await lstat(path).catch(() => null);
  if (found === null) throw new Problem("USAGE", `${path} is not there`);
  const root = found.isDirectory() ? resolve(path) : rootOf(resolve(path));
  const only = found.isDirectory() ? null : toSlashes(relative(root, resolve(path)));
  const { paths, findings } = await listFiles(root);
  const sizes = await Promise.all(
    paths.map(async (name) => ({ path: name, bytes: (await lstat(join(root, name))).size })),
  );
  const over = overLimits(sizes);
  const files = over.length > 0 ? [] : await readFiles(root, paths, findings);
  return { root, files, findings: [...findings, ...over], only };
}

/** @throws Problem CATALOG_INVALID (`gitmend validate` says why), USAGE when there is nothing */
export async function compileFolder(folder: string, scopes: readonly Scope[] = []): Promise<Catalog> {
  const { root, files, findings } = await readCatalogFolder(folder);
  if (files.length === 0 && findings.length === 0) throw nothingThere(root);
  return compileFiles(files, findings, root, scopes);
}

/** @param where for the message: a folder, a revision. @throws Problem CATALOG_INVALID */
export function compileFiles(
  files: readonly CatalogFile[],
  findings: readonly Finding[],
  where: string,
  scopes: readonly Scope[] = [],
): Catalog {
  const { catalog } = compileCatalog(files, "files", actions, scopes);
  if (catalog !== null && findings.length === 0) return catalog;
  throw new Problem("CATALOG_INVALID", `the templates and policies of ${where} have errors`);
}

export function nothingThere(root: string): Problem {
  return new Problem("USAGE", `${root} has neither templates/ nor policies/ with YAML or JSON files`);
}

/** The nearest folder around a file of which it is a catalog's file; a team's folder is part of the catalog around it. */
function rootOf(file: string): string {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    const around = dirname(folder);
    if (isCatalogFile(toSlashes(relative(folder, file))))
      return basename(around) === teamsFolder ? dirname(around) : folder;
    if (folder === dirname(folder)) break;
  }
  throw new Problem("USAGE", `${file} is no YAML or JSON file below templates/ or policies/`);
}

interface Listing {
  readonly paths: readonly string[];
  readonly findings: Finding[];
}

async function listFiles(root: string): Promise<Listing> {
  const paths: string[] = [];
  const findings: Finding[] = [];
  const take = (entry: Pick<Dirent, "isFile" | "isSymbolicLink">, path: string) => {
    if (entry.isSymbolicLink())
      findings.push(refusedFile(path, "SYMBOLIC_LINK", "symbolic links are not followed: put the file here"));
    else if (entry.isFile() && isCatalogFile(path)) paths.push(path);
  };
  for (const name of [...rootFiles, ...(await foldersIn(root))]) {
    const found = await lstat(join(root, name)).catch(() => null);
    if (found === null) continue;
    if (rootFiles.includes(name)) take(found, name);
    else if (!found.isDirectory())
      findings.push(refusedFile(name, "NOT_A_FOLDER", `${name} must be a folder`));
    else {
      for (const entry of await readdir(join(root, name), { recursive: true, withFileTypes: true }))
        take(entry, toSlashes(relative(root, join(entry.parentPath, entry.name))));
    }
  }
  return { paths: paths.toSorted(), findings };
}

/** Of the root, and of each team. */
async function foldersIn(root: string): Promise<readonly string[]> {
  const entries = await readdir(join(root, teamsFolder), { withFileTypes: true }).catch(() => []);
  const teams = entries.filter((entry) => entry.isDirectory()).map(({ name }) => `${teamsFolder}/${name}`);
  return [...catalogFolders, ...teams.flatMap((team) => catalogFolders.map((folder) => `${team}/${folder}`))];
}

async function readFiles(
  root: string,
  paths: readonly string[],
  findings: Finding[],
): Promise<CatalogFile[]> {
  const files: CatalogFile[] = [];
  for (const path of paths) {
    try {
      files.push({ path, text: utf8.decode(await readFile(join(root, path))) });
    } catch (error) {
      if (!(error instanceof TypeError)) throw unreadable(root, path, error);
      findings.push(refusedFile(path, "NOT_UTF8", "not UTF-8 text"));
    }
  }
  return files;
}

function unreadable(root: string, path: string, error: unknown): Problem {
  return new Problem("USAGE", `${join(root, path)} cannot be read`, { cause: error });
}

function toSlashes(path: string): string {
  return path.replaceAll(sep, "/");
}
