// Reads templates/ and policies/ of a folder, as the controller reads them from a commit, for the commands that work on files.
import { readdir, readFile, stat } from "node:fs/promises";
import { join, relative, resolve, sep } from "node:path";
import { actions } from "../actions/registry.ts";
import type { CatalogFile } from "../controller/ports.ts";
import { hasErrors } from "../domain/finding.ts";
import type { Catalog } from "../domain/policies/catalog.ts";
import { compileCatalog } from "../domain/policies/compile-catalog.ts";
import { Problem } from "../domain/problem.ts";

/** Sorted by path; empty when it holds nothing of a catalog. @throws Problem USAGE when it is no folder */
export async function readCatalogFolder(folder: string): Promise<readonly CatalogFile[]> {
  const root = resolve(folder);
  const found = await stat(root).catch(() => null);
  if (found?.isDirectory() !== true) throw new Problem("USAGE", `${root} is no folder`);
  const paths = [...(await listFiles(root, "templates")), ...(await listFiles(root, "policies"))].toSorted();
  return Promise.all(paths.map(async (path) => ({ path, text: await readFile(join(root, path), "utf8") })));
}

/** @throws Problem CATALOG_INVALID (details.findings), USAGE when there is nothing */
export async function compileFolder(folder: string): Promise<Catalog> {
  const files = await readCatalogFolder(folder);
  if (files.length === 0) throw nothingThere(folder);
  const { catalog, findings } = compileCatalog(files, "files", actions);
  if (catalog !== null && !hasErrors(findings)) return catalog;
  throw new Problem("CATALOG_INVALID", `the templates and policies of ${resolve(folder)} have errors`);
}

export function nothingThere(folder: string): Problem {
  return new Problem(
    "USAGE",
    `${resolve(folder)} has neither templates/ nor policies/ with YAML or JSON files`,
  );
}

async function listFiles(root: string, room: string): Promise<readonly string[]> {
  const folder = join(root, room);
  const found = await stat(folder).catch(() => null);
  if (found?.isDirectory() !== true) return [];
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && /\.(ya?ml|json)$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).replaceAll(sep, "/"));
}
