// One revision of the config repository as a catalog, or everything that is wrong with it.
import type { Finding } from "../domain/finding.ts";
import type { CatalogCompilation } from "../domain/policies/compile-catalog.ts";
import { toProblem } from "../domain/problem.ts";
import type { CatalogCompiler, CatalogFile, CatalogSource } from "./ports.ts";

export type ReadCatalog = CatalogCompilation & { readonly files: readonly CatalogFile[] };

/** What cannot even be read as a catalog (links, huge files, no UTF-8) has findings like what cannot be compiled. */
export async function readAndCompile(
  revision: string,
  { source, compiler }: { readonly source: CatalogSource; readonly compiler: CatalogCompiler },
  accepted = false,
): Promise<ReadCatalog> {
  try {
    const files = await source.read(revision.slice(revision.indexOf("@sha1:") + "@sha1:".length));
    return { ...(await compiler.compile(files, revision, accepted)), files };
  } catch (error) {
    const { code, details } = toProblem(error);
    if (code !== "CATALOG_INVALID") throw error;
    return { catalog: null, findings: details["findings"] as readonly Finding[], files: [] };
  }
}
