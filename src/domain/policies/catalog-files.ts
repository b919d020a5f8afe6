// Which files of a folder or commit are the catalog's, and how much of them is read: the same for both.
import type { Finding } from "../finding.ts";

export const catalogFolders: readonly string[] = ["actions", "templates", "policies"];
/** Each folder in it may hold the same three: `teams/shop/templates`. */
export const teamsFolder = "teams";
export const catalogFile = "catalog.yaml";
export const pauseFile = "pause.yaml";
/** At the catalog's root; optional. */
export const rootFiles: readonly string[] = [catalogFile, pauseFile];

const mebibyte = 1024 * 1024;
export const catalogLimits = { fileBytes: mebibyte, totalBytes: 16 * mebibyte, files: 5_000 } as const;

/** `path` is relative to the catalog's root. */
export function isCatalogFile(path: string): boolean {
  return rootFiles.includes(path) || catalogFolders.some((folder) => isIn(folder, path));
}

/** At the root or in a team's folder. */
function isIn(folder: string, path: string): boolean {
  return new RegExp(`^(?:${teamsFolder}/[^/]+/)?${folder}/.+\\.(?:ya?ml|json)$`).test(path);
}

/** `policies/tests/`: the controller does not read them. */
export function isPolicyTestFile(path: string): boolean {
  return isIn("policies/tests", path);
}

export function filesUnder<File extends { readonly path: string }>(
  folder: string,
  files: readonly File[],
): readonly File[] {
  return files.filter(({ path }) => isIn(folder, path) && !isIn(`${folder}/tests`, path));
}

/** A file that is not read at all, for a reason that has no place in its text. */
export function refusedFile(file: string, code: string, message: string): Finding {
  return { file, line: 1, column: 1, severity: "error", code, message };
}

/** Asked before any content is read: a file of a gigabyte never meets memory. */
export function overLimits(
  files: readonly { readonly path: string; readonly bytes: number }[],
): readonly Finding[] {
  const { fileBytes, totalBytes, files: most } = catalogLimits;
  const tooMany = files[most];
  if (tooMany !== undefined)
    return [refusedFile(tooMany.path, "TOO_MANY_FILES", `more than ${most} files in the catalog`)];
  const large = files.filter(({ bytes }) => bytes > fileBytes);
  if (large.length > 0)
    return large.map(({ path, bytes }) =>
      refusedFile(path, "FILE_TOO_LARGE", `${bytes} bytes, more than ${fileBytes}`),
    );
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const last = files.at(-1);
  if (total <= totalBytes || last === undefined) return [];
  const message = `the catalog has ${total} bytes in all, more than ${totalBytes}`;
  return [refusedFile(last.path, "CATALOG_TOO_LARGE", message)];
}
