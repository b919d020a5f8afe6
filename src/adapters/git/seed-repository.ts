// A bare repository to start from: the shipped templates and policies as one commit, made without a work tree.
import * as fs from "node:fs";
import git from "isomorphic-git";
import type { CatalogFile } from "../../controller/ports.ts";

const author = { name: "gitmend", email: "gitmend@localhost" };

/** Makes the repository when the folder is not there; leaves an existing one alone. @returns whether it was made */
export async function seedRepository(
  folder: string,
  branch: string,
  files: readonly CatalogFile[],
): Promise<boolean> {
  if (fs.existsSync(folder)) return false;
  const draft = `${folder}.new`;
  fs.rmSync(draft, { recursive: true, force: true });
  await git.init({ fs, dir: draft, gitdir: draft, bare: true, defaultBranch: branch });
  const tree = await writeTree(draft, files);
  const message = "Start from the templates and policies that gitmend ships\n";
  await git.commit({ fs, gitdir: draft, message, author, tree, ref: `refs/heads/${branch}` });
  // In one step: a process that is killed before this line leaves nothing that looks like a repository.
  fs.renameSync(draft, folder);
  return true;
}

async function writeTree(gitdir: string, files: readonly CatalogFile[]): Promise<string> {
  const folders = new Map<string, CatalogFile[]>();
  const entries = [];
  for (const { path, text } of files) {
    const slash = path.indexOf("/");
    if (slash < 0) {
      const oid = await git.writeBlob({ fs, gitdir, blob: Buffer.from(text) });
      entries.push({ mode: "100644", path, oid, type: "blob" as const });
    } else {
      const inside = folders.get(path.slice(0, slash)) ?? [];
      folders.set(path.slice(0, slash), [...inside, { path: path.slice(slash + 1), text }]);
    }
  }
  for (const [path, inside] of folders) {
    entries.push({ mode: "040000", path, oid: await writeTree(gitdir, inside), type: "tree" as const });
  }
  return git.writeTree({ fs, gitdir, tree: entries });
}
