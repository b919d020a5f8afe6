// A git process that was killed leaves its lock files behind. gitmend is the only writer of its own bare repositories
// (the data folder's lock sees to that), so whatever lock is there before its first call belongs to nobody.
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";

/** Removes lock files and half-written packs below a bare repository. Does not follow links. */
export async function removeStaleLocks(folder: string): Promise<void> {
  for (const part of ["", "refs", "objects/pack", "objects/info", "logs"]) {
    const base = join(folder, part);
    const entries = await readdir(base, {
      withFileTypes: true,
      recursive: part === "refs" || part === "logs",
    }).catch(noFolder);
    for (const entry of entries) {
      if (entry.isFile() && isLeftover(entry.name))
        await rm(join(entry.parentPath, entry.name), { force: true });
    }
  }
}

function isLeftover(name: string): boolean {
  return (
    name.endsWith(".lock") ||
    name.startsWith("tmp_pack_") ||
    name.startsWith("tmp_idx_") ||
    name.startsWith(".tmp-")
  );
}

function noFolder(error: NodeJS.ErrnoException): never[] {
  if (error.code === "ENOENT") return [];
  throw error;
}
