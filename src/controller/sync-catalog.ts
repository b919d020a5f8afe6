// Keeps the catalog in use at the head of the config branch: ask for the head, read and compile on change, swap whole.
// A commit with any error changes nothing: it is reported with file:line:column and the last good revision stays.
import type { Finding } from "../domain/finding.ts";
import { hasErrors } from "../domain/finding.ts";
import type { Catalog } from "../domain/policies/catalog.ts";
import { compileCatalog } from "../domain/policies/compile-catalog.ts";
import { Problem, toProblem } from "../domain/problem.ts";
import type { ActionDescription } from "../domain/templates/action-description.ts";
import type { AlertStore, CatalogSource, CatalogState, Log } from "./ports.ts";

export interface CatalogPorts {
  readonly source: CatalogSource;
  /** The revision that all replicas act on. */
  readonly catalogState: CatalogState;
  readonly alerts: Pick<AlertStore, "wakeUnmatched">;
  readonly actions: readonly ActionDescription[];
  readonly log: Log;
}

export interface CatalogSync {
  /** The catalog in use; null until the first good one is loaded. */
  current(): Catalog | null;
  /** Of the newest commit seen, good or bad. */
  findings(): {
    readonly revision: string | null;
    readonly findings: readonly Finding[];
    readonly problem: string | null;
  };
  /** One look at the remote; never throws. */
  sync(): Promise<void>;
}

export function createCatalogSync(ports: CatalogPorts): CatalogSync {
  let catalog: Catalog | null = null;
  let seen: ReturnType<CatalogSync["findings"]> = { revision: null, findings: [], problem: null };

  /** Reads and compiles one revision; null when it is not valid. */
  const load = async (revision: string): Promise<Catalog | null> => {
    const compiled = await readAndCompile(revision, ports);
    seen = { revision, findings: compiled.findings, problem: null };
    if (compiled.catalog !== null && !hasErrors(compiled.findings)) return compiled.catalog;
    const findings = compiled.findings.slice(0, 20);
    ports.log.error({ revision, findings }, "the commit is not valid: the last good revision stays");
    return null;
  };

  /** A crash before the wake-up is made good by keepHouse, which knows the revision of each "no match". */
  const swap = async (next: Catalog): Promise<void> => {
    const first = catalog === null;
    catalog = next;
    ports.log.info({ revision: next.revision, templates: next.templates.size }, "catalog in use");
    if (!first) await ports.alerts.wakeUnmatched();
  };

  /** A revision that a force push took away, and that is not cached here, must not keep the head from being read. */
  const followNamed = async (named: string): Promise<void> => {
    try {
      const next = await load(named);
      if (next !== null) await swap(next);
    } catch (error) {
      const { code, message } = toProblem(error);
      if (code === "DATABASE_UNAVAILABLE" || code === "GIT_UNREACHABLE") throw error;
      ports.log.warn({ revision: named, code, reason: message }, "the revision in use cannot be read here");
    }
  };

  /** A replica that is behind follows the named revision; whoever sees a newer good head names it. */
  const follow = async (): Promise<void> => {
    const named = await ports.catalogState.current();
    if (named !== null && named !== catalog?.revision) await followNamed(named);
    const revision = await headOf(ports.source);
    if (revision === seen.revision) {
      seen = { ...seen, problem: null };
      return;
    }
    const next = await load(revision);
    if (next === null) return;
    await ports.catalogState.set(revision);
    await swap(next);
  };

  return {
    current: () => catalog,
    findings: () => seen,
    async sync() {
      try {
        await follow();
      } catch (error) {
        const problem = toProblem(error);
        seen = { ...seen, problem: problem.message };
        ports.log.warn(
          { code: problem.code, reason: problem.message, revision: catalog?.revision ?? null },
          "the config repository cannot be read: the last good revision stays",
        );
      }
    },
  };
}

/** @throws Problem GIT_REFUSED when the branch is not there */
async function headOf(source: CatalogSource): Promise<string> {
  const head = await source.head();
  if (head === null) throw new Problem("GIT_REFUSED", `the branch ${source.branch} does not exist`);
  return `${source.branch}@sha1:${head}`;
}

/** What cannot even be read as a catalog (links, huge files, no UTF-8) has findings like what cannot be compiled. */
async function readAndCompile(
  revision: string,
  { source, actions }: CatalogPorts,
): Promise<ReturnType<typeof compileCatalog>> {
  try {
    const files = await source.read(revision.slice(revision.indexOf("@sha1:") + "@sha1:".length));
    return compileCatalog(files, revision, actions);
  } catch (error) {
    const { code, details } = toProblem(error);
    if (code !== "CATALOG_INVALID") throw error;
    return { catalog: null, findings: details["findings"] as readonly Finding[] };
  }
}
