// Keeps the catalog in use at the head of the config branch: ask for the head, read and compile on change, swap whole.
// A commit with any error changes nothing: it is reported with file:line:column and the last good revision stays.
// PostgreSQL names the revision that all replicas act on; whoever sees a newer good head names that.
import type { Finding } from "../domain/finding.ts";
import type { Catalog } from "../domain/policies/catalog.ts";
import { Problem, toProblem } from "../domain/problem.ts";
import type { Metrics } from "./metrics.ts";
import type { AlertStore, CatalogFile, CatalogSource, CatalogState } from "./ports.ts";
import { readAndCompile } from "./read-and-compile.ts";
import { type GuardPorts, settleGuards } from "./settle-guards.ts";
import { timed } from "./timed.ts";

export interface CatalogPorts extends GuardPorts {
  readonly catalogState: CatalogState;
  readonly alerts: Pick<AlertStore, "wakeUnmatched">;
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
  const { log, metrics } = ports;
  const branch = new ConfigBranch(ports);
  let problem: string | null = null;
  let roundsToLook = 0;

  const look = async (): Promise<void> => {
    roundsToLook = Math.max(1, Math.min(intervalSeconds, retryRounds));
    const upToDate = await timed(metrics, "catalog_sync_duration_seconds", () => branch.look());
    if (!upToDate) roundsToLook = 0;
    if (roundsToLook > 0) roundsToLook = Math.max(1, intervalSeconds);
    if (problem !== null) log.info({}, "the config repository can be read again");
    problem = null;
  };

  return {
    current: () => branch.catalog,
    findings: () => ({ ...branch.seen, problem }),
    lookSoon: () => {
      roundsToLook = 0;
    },
    async round() {
      try {
        roundsToLook -= 1;
        await (roundsToLook > 0 ? branch.follow() : look());
      } catch (error) {
        const { code, message } = toProblem(error);
        if (message === problem) return;
        problem = message;
        const fields = { code, reason: message, revision: branch.catalog?.revision ?? null };
        log.warn(fields, "the catalog cannot be kept up to date: the last good revision stays");
      }
    },
  };
}

/** What this replica knows of the branch, and the catalog that it has in use. */
class ConfigBranch {
  readonly #ports: CatalogPorts;
  #findingsInUse: readonly Finding[] = [];
  /** The head that needs no second look. */
  #settled: string | null = null;
  /** A named revision that this replica cannot use: not tried again before the next look. */
  #unusable: string | null = null;
  /** The catalog in use as it was read, while guards of another revision count with it. */
  #held: Loaded | null = null;
  catalog: Catalog | null = null;
  seen: { readonly revision: string | null; readonly findings: readonly Finding[] } = {
    revision: null,
    findings: [],
  };

  constructor(ports: CatalogPorts) {
    this.#ports = ports;
  }

  /** @returns the named revision, which is in use here now unless it cannot be used */
  async follow(): Promise<string | null> {
    const named = await this.#ports.catalogState.current();
    if (named === null || named === this.catalog?.revision || named === this.#unusable) return named;
    this.#unusable = named;
    const next = await this.#loadNamed(named);
    if (next !== null) {
      this.#unusable = null;
      await this.#swap(next);
    }
    return named;
  }

  /** @returns false: another replica was faster, perhaps with an older head; follow it first, then look again */
  async look(): Promise<boolean> {
    this.#unusable = null;
    const named = await this.follow();
    const revision = await headOf(this.#ports.source);
    if (this.#held !== null && revision === this.catalog?.revision) await this.#swap(this.#held);
    if (revision === this.catalog?.revision) {
      this.seen = { revision, findings: this.#findingsInUse };
      this.#settled = revision;
    }
    if (revision === this.#settled) return true;
    const next = await this.#load(revision);
    if (next !== null && !(await this.#name(next, named))) return false;
    // The file of allowed signers may change without a commit.
    const unsigned = this.seen.findings.some(({ code }) => code === "COMMIT_NOT_SIGNED");
    this.#settled = unsigned ? null : revision;
    return true;
  }

  /** Names a good head for all replicas, unless they were given another one since `named` was read. */
  async #name(next: Loaded, named: string | null): Promise<boolean> {
    const { catalogState } = this.#ports;
    const namedNow = await catalogState.current();
    const { revision } = next.catalog;
    if (namedNow !== named && namedNow !== revision) return false;
    if (namedNow !== revision) await catalogState.set(revision);
    await this.#swap(next);
    return true;
  }

  /** A crash before the wake-up is made good by keepHouse, which knows the revision of each "no match". */
  async #swap(next: Loaded): Promise<void> {
    const first = this.catalog === null;
    const again = this.#held === next;
    const { catalog, held } = await settleGuards(next.catalog, next.files, this.#ports);
    this.#held = held ? next : null;
    this.catalog = catalog;
    if (again && held) return;
    this.#findingsInUse = this.seen.findings;
    const { revision, templates, ruleCount } = catalog;
    this.#ports.log.info({ revision, templates: templates.size, rules: ruleCount }, "catalog in use");
    if (!first) await this.#ports.alerts.wakeUnmatched();
  }

  /** A revision that a force push took away, and that is not cached here, must not keep the head from being read. */
  async #loadNamed(named: string): Promise<Loaded | null> {
    try {
      return await this.#load(named, true);
    } catch (error) {
      const { code, message } = toProblem(error);
      if (code === "DATABASE_UNAVAILABLE" || code === "GIT_UNREACHABLE") throw error;
      const fields = { revision: named, code, reason: message };
      this.#ports.log.warn(fields, "the revision in use cannot be read here");
      return null;
    }
  }

  /** Reads and compiles one revision; null when it is not valid, which is said once. */
  async #load(revision: string, accepted = false): Promise<Loaded | null> {
    const { catalog, findings, files } = await readAndCompile(revision, this.#ports, accepted);
    const told = revision === this.seen.revision && sameFindings(findings, this.seen.findings);
    this.seen = { revision, findings };
    if (catalog === null && !told) {
      const fields = { revision, findings: findings.slice(0, 20) };
      this.#ports.log.error(fields, "the commit is not valid: the last good revision stays");
    }
    return catalog === null ? null : { catalog, files };
  }
}

/** A good catalog, and what it was read from. */
interface Loaded {
  readonly catalog: Catalog;
  readonly files: readonly CatalogFile[];
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
