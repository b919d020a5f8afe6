// The YAML files of a commit that repairs read: those below a folder, and those that they name elsewhere in the repository.
// Regular files alone: what a link points to is not followed.
import type { ManifestFile } from "../../domain/planning/edit-value.ts";
import { Problem } from "../../domain/problem.ts";

const mostFiles = 2_000;
const mostBytes = 1_000_000;
/** Each folder that is named is asked for four names. */
const mostAsked = 8_000;
/** Processes. */
const readAtOnce = 8;

type Git = (args: readonly string[]) => Promise<string>;

interface Entry {
  readonly name: string;
  readonly size: number;
}

/**
 * @param also files that those read until now name; asked until it names no new one
 * @throws Problem MANIFEST_NOT_EDITABLE: more, or larger ones, than repairs read
 */
export async function manifestFiles(
  git: Git,
  commit: string,
  folder: string,
  also: (files: readonly ManifestFile[]) => readonly string[],
): Promise<readonly ManifestFile[]> {
  const listed = await entriesOf(git, ["-r", commit], folder === "" ? [] : [`${folder}/`]);
  const entries = listed.filter(({ name }) => /(\.ya?ml|\/Kustomization|^Kustomization)$/.test(name));
  assertFew(entries, folder);
  const files = [...(await textsOf(git, commit, entries))];
  const asked = new Set(entries.map(({ name }) => name));
  for (;;) {
    const names = new Set(also(files).filter((name) => !asked.has(name) && isName(name)));
    if (names.size === 0) return files;
    for (const name of names) asked.add(name);
    if (asked.size > mostAsked) throw tooMany(folder, `name ${asked.size} others`);
    const more = await entriesOf(git, [commit], [...names]);
    entries.push(...more.filter(({ name }) => names.has(name)));
    assertFew(entries, folder);
    files.push(...(await textsOf(git, commit, entries.slice(files.length))));
  }
}

async function entriesOf(
  git: Git,
  what: readonly string[],
  paths: readonly string[],
): Promise<readonly Entry[]> {
  const listed = await git(["--literal-pathspecs", "ls-tree", "-z", "--long", ...what, "--", ...paths]);
  return listed.split("\0").flatMap((line) => {
    const [, mode, size, name] = /^(\d{6}) blob [0-9a-f]+ +(\d+)\t(.+)$/s.exec(line) ?? [];
    const regular = mode === "100644" || mode === "100755";
    return regular && name !== undefined ? [{ name, size: Number(size) }] : [];
  });
}

function assertFew(entries: readonly Entry[], folder: string): void {
  const bytes = entries.reduce((sum, { size }) => sum + size, 0);
  const large = entries.find(({ size }) => size > mostBytes);
  if (entries.length <= mostFiles && bytes <= mostBytes * 16 && large === undefined) return;
  const most = large === undefined ? "" : ` (${large.name} of ${large.size})`;
  throw tooMany(folder, `are ${entries.length} of ${bytes} bytes${most}`);
}

function tooMany(folder: string, what: string): Problem {
  const whose = folder === "" ? "the repository" : folder;
  return new Problem("MANIFEST_NOT_EDITABLE", `the YAML files of ${whose} ${what}: more than repairs read`);
}

/** A kustomization may name anything; this goes to Git as an argument. */
function isName(name: string): boolean {
  // oxlint-disable-next-line no-control-regex -- no file that is applied is called so
  return name !== "" && name.length <= 1_000 && !/^-|[\u0000-\u001f]/.test(name);
}

async function textsOf(
  git: Git,
  commit: string,
  entries: readonly Entry[],
): Promise<readonly ManifestFile[]> {
  const files: ManifestFile[] = [];
  const read = async ({ name }: Entry) => ({
    path: name,
    text: await git(["cat-file", "blob", `${commit}:${name}`]),
  });
  for (let start = 0; start < entries.length; start += readAtOnce)
    files.push(...(await Promise.all(entries.slice(start, start + readAtOnce).map((entry) => read(entry)))));
  return files;
}
