// Keeps the catalog in use at the head of the config branch: ask for the head, read and compile on change, swap whole.
// A commit with any error changes nothing: it is reported with file:line:column and the last good revision stays.
import type { Finding } from "../domain/finding.ts";
import { hasErrors } from "../domain/finding.ts";
import type { Catalog } from "../domain/policies/catalog.ts";
import { compileCatalog } from "../domain/policies/compile-catalog.ts";
import { toProblem } from "../domain/problem.ts";
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
  let seen: { revision: string | null; findings: readonly Finding[]; problem: string | null } = {
    revision: null,
    findings: [],
    problem: null,
  };

  /** Compiles one revision; null when it is not valid. */
  const load = async (revision: string): Promise<Catalog | null> => {
    const files = await ports.source.read(revision.slice(revision.indexOf("@sha1:") + "@sha1:".length));
    const compiled = compileCatalog(files, revision, ports.actions);
    seen = { revision, findings: compiled.findings, problem: null };
    if (compiled.catalog === null || hasErrors(compiled.findings)) {
      ports.log.error(
        { revision, findings: compiled.findings.slice(0, 20) },
        "the commit is not valid: the last good revision stays",
      );
      return null;
    }
    return compiled.catalog;
  };

  const swap = async (next: Catalog): Promise<void> => {
    const first = catalog === null;
    catalog = next;
    ports.log.info({ revision: next.revision, templates: next.templates.size }, "catalog in use");
    if (!first) await ports.alerts.wakeUnmatched();
  };

  /** A replica that is behind follows the named revision; whoever sees a newer good head names it. */
  const follow = async (): Promise<void> => {
    const named = await ports.catalogState.current();
    if (named !== null && named !== catalog?.revision) {
      const next = await load(named);
      if (next !== null) await swap(next);
    }
    const head = await ports.source.head();
    if (head === null) throw new Error(`the branch ${ports.source.branch} does not exist`);
    const revision = `${ports.source.branch}@sha1:${head}`;
    if (revision === seen.revision) return;
    const next = await load(revision);
    if (next === null) return;
    await ports.catalogState.set(revision);
    await swap(next);
    await ports.alerts.wakeUnmatched();
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
