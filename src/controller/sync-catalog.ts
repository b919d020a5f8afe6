// Keeps the catalog in use at the head of the config branch: ask for the head, read and compile on change, swap whole.
// A commit with any error changes nothing: it is reported with file:line:column and the last good revision stays.
// PostgreSQL names the revision that all replicas act on; whoever sees a newer good head names that.
import type { Finding } from "../domain/finding.ts";
import type { Catalog } from "../domain/policies/catalog.ts";
import type { CatalogCompilation } from "../domain/policies/compile-catalog.ts";
import { Problem, toProblem } from "../domain/problem.ts";
import type { AlertStore, CatalogCompiler, CatalogSource, CatalogState, Log, Metrics } from "./ports.ts";
import { timed } from "./timed.ts";

export interface CatalogPorts {
  readonly source: CatalogSource;
  readonly compiler: CatalogCompiler;
  readonly catalogState: CatalogState;
  readonly alerts: Pick<AlertStore, "wakeUnmatched">;
  readonly log: Log;
  readonly metrics: Metrics;
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
  /** Called about once a second: follows the named revision, and looks at the remote when that is due. Never throws. */
  round(): Promise<void>;
  /** Somebody said that there is news: the next round looks at the remote, however often this is called before it. */
  lookSoon(): void;
}

/** A remote that was away is asked again after this many rounds, however long the interval is. */
const retryRounds = 30;

export function createCatalogSync(ports: CatalogPorts, intervalSeconds: number): CatalogSync {
  const { catalogState, log, metrics, source } = ports;
  let catalog: Catalog | null = null;
  let seen: ReturnType<CatalogSync["findings"]> = { revision: null, findings: [], problem: null };
  let findingsInUse: readonly Finding[] = [];
  /** The head that needs no second look. */
  let settled: string | null = null;
  /** A named revision that this replica cannot use: not tried again before the next look. */
  let unusable: string | null = null;
  let roundsToLook = 0;

  /** Reads and compiles one revision; null when it is not valid. */
  const load = async (revision: string): Promise<Catalog | null> => {
    const compiled = await readAndCompile(revision, ports);
    const told = revision === seen.revision && sameFindings(compiled.findings, seen.findings);
    seen = { ...seen, revision, findings: compiled.findings };
    const findings = compiled.findings.slice(0, 20);
    if (compiled.catalog === null && !told)
      log.error({ revision, findings }, "the commit is not valid: the last good revision stays");
    return compiled.catalog;
  };

  /** A crash before the wake-up is made good by keepHouse, which knows the revision of each "no match". */
  const swap = async (next: Catalog): Promise<void> => {
    const first = catalog === null;
    catalog = next;
    findingsInUse = seen.findings;
    const { revision, templates, ruleCount } = next;
    log.info({ revision, templates: templates.size, rules: ruleCount }, "catalog in use");
    if (!first) await ports.alerts.wakeUnmatched();
  };

  /** A revision that a force push took away, and that is not cached here, must not keep the head from being read. */
  const loadNamed = async (named: string): Promise<Catalog | null> => {
    try {
      return await load(named);
    } catch (error) {
      const { code, message } = toProblem(error);
      if (code === "DATABASE_UNAVAILABLE" || code === "GIT_UNREACHABLE") throw error;
      log.warn({ revision: named, code, reason: message }, "the revision in use cannot be read here");
      return null;
    }
  };

  /** @returns the named revision, which is in use here now unless it cannot be used */
  const follow = async (): Promise<string | null> => {
    const named = await catalogState.current();
    if (named === null || named === catalog?.revision || named === unusable) return named;
    unusable = named;
    const next = await loadNamed(named);
    if (next !== null) {
      unusable = null;
      await swap(next);
    }
    return named;
  };

  const look = async (): Promise<void> => {
    unusable = null;
    const named = await follow();
    const revision = await headOf(source);
    if (revision === catalog?.revision) {
      seen = { ...seen, revision, findings: findingsInUse };
      settled = revision;
    }
    if (revision === settled) return;
    const next = await load(revision);
    if (next !== null) {
      const namedNow = await catalogState.current();
      // Another replica was faster, perhaps with an older head: follow it first, look again at the next opportunity.
      if (namedNow !== named && namedNow !== revision) return void (roundsToLook = 0);
      if (namedNow !== revision) await catalogState.set(revision);
      await swap(next);
    }
    // The file of allowed signers may change without a commit.
    settled = seen.findings.some(({ code }) => code === "COMMIT_NOT_SIGNED") ? null : revision;
  };

  const lookInTime = async (): Promise<void> => {
    roundsToLook = Math.max(1, Math.min(intervalSeconds, retryRounds));
    await timed(metrics, "catalog_sync_duration_seconds", look);
    if (roundsToLook > 0) roundsToLook = Math.max(1, intervalSeconds);
    if (seen.problem !== null) log.info({}, "the config repository can be read again");
    seen = { ...seen, problem: null };
  };

  return {
    current: () => catalog,
    findings: () => seen,
    lookSoon() {
      roundsToLook = 0;
    },
    async round() {
      try {
        roundsToLook -= 1;
        await (roundsToLook > 0 ? follow() : lookInTime());
      } catch (error) {
        const { code, message } = toProblem(error);
        if (message === seen.problem) return;
        seen = { ...seen, problem: message };
        const revision = catalog?.revision ?? null;
        log.warn(
          { code, reason: message, revision },
          "the catalog cannot be kept up to date: the last good revision stays",
        );
      }
    },
  };
}

function sameFindings(left: readonly Finding[], right: readonly Finding[]): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
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
  { source, compiler }: CatalogPorts,
): Promise<CatalogCompilation> {
  try {
    const files = await source.read(revision.slice(revision.indexOf("@sha1:") + "@sha1:".length));
    return await compiler.compile(files, revision);
  } catch (error) {
    const { code, details } = toProblem(error);
    if (code !== "CATALOG_INVALID") throw error;
    return { catalog: null, findings: details["findings"] as readonly Finding[] };
  }
}
