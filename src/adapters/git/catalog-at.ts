// The catalog of a folder as it was at a commit, branch or tag of the Git repository around it: read as the controller reads it,
// from a cache of its own that is thrown away. The work tree and the repository are left alone.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CatalogFile } from "../../controller/ports.ts";
import { Problem } from "../../domain/problem.ts";
import { openCatalogSource } from "./catalog-source.ts";
import { runGit } from "./run-git.ts";

export interface CatalogAt {
  /** 40 hex. */
  readonly commit: string;
  readonly files: readonly CatalogFile[];
}

/**
 * @param folder in a work tree (the catalog's root), or a bare repository
 * @throws Problem USAGE: no repository, no such revision. CATALOG_INVALID (details.findings)
 */
export async function readCatalogAt(folder: string, revision: string): Promise<CatalogAt> {
  const ask = async (...args: string[]) => {
    const { exitCode, stdout } = await runGit(folder, ["rev-parse", ...args], { discover: true });
    return exitCode === 0 ? stdout.replace(/\n$/, "") : null;
  };
  const repository = await ask("--path-format=absolute", "--git-common-dir");
  if (repository === null) throw new Problem("USAGE", `${folder} is in no Git repository`);
  const commit = await ask("--verify", "--quiet", "--end-of-options", `${revision}^{commit}`);
  if (commit === null)
    throw new Problem("USAGE", `there is no commit, branch or tag "${revision}" in ${repository}`);
  const cacheDir = await mkdtemp(join(tmpdir(), "gitmend-catalog-"));
  try {
    const path = (await ask("--show-prefix")) ?? "";
    const source = openCatalogSource({ url: repository, branch: "main", path, credential: null, cacheDir });
    return { commit, files: await source.read(commit) };
  } finally {
    await rm(cacheDir, { recursive: true, force: true });
  }
}
