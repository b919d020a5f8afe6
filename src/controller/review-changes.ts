// Looks at people's pull requests on the config repository: reads head and base as it reads any catalog, with the same limits, compiles
// them, compares their guards, and says what it found. Nothing of a pull request is run. One replica does it: the one that publishes.
import type { Finding } from "../domain/finding.ts";
import { changeNote } from "../domain/gate/change-note.ts";
import { findLoosening } from "../domain/gate/find-loosening.ts";
import { demandsText } from "../domain/gate/judge-approval.ts";
import type { CatalogCompilation } from "../domain/policies/compile-catalog.ts";
import { toProblem } from "../domain/problem.ts";
import type { ChangeForge, ProposedChange } from "./change-ports.ts";
import type { LooseningRules } from "./guard-ports.ts";
import type { CatalogCompiler, CatalogSource, Log, Outbox } from "./ports.ts";
import { type ReadCatalog, readAndCompile } from "./read-and-compile.ts";

export interface ReviewPorts {
  readonly changeForge: ChangeForge;
  /** A cache of its own: what strangers propose does not fill the one that is acted on. */
  readonly source: CatalogSource;
  readonly compiler: CatalogCompiler;
  readonly outbox: Pick<Outbox, "isOurs">;
  readonly loosening: LooseningRules | null;
  readonly log: Log;
}

export interface Reviews {
  /** Called about once a second: looks when it is due. @throws Problem FORGE_*, GIT_*, DATABASE_UNAVAILABLE */
  round(): Promise<void>;
  /** Somebody said that there is news. */
  lookSoon(): void;
}

const pollRounds = 60;
const mostChanges = 100;

export function createReviews(ports: ReviewPorts): Reviews {
  /** `head base` by number: what was said already. */
  const told = new Map<number, string>();
  let roundsToLook = 0;
  return {
    lookSoon: () => {
      roundsToLook = 0;
    },
    async round() {
      roundsToLook -= 1;
      if (roundsToLook > 0 || !(await ports.outbox.isOurs())) return;
      roundsToLook = pollRounds;
      await reviewAll(told, ports);
    },
  };
}

async function reviewAll(told: Map<number, string>, ports: ReviewPorts): Promise<void> {
  const { changeForge, source, log } = ports;
  const changes = await changeForge.changes(source.branch, mostChanges);
  const open = new Set(changes.map(({ number }) => number));
  for (const number of told.keys()) if (!open.has(number)) told.delete(number);
  const base = await source.head();
  if (base === null) return;
  let read: Promise<ReadCatalog> | null = null;
  const before = () => (read ??= readAndCompile(`${source.branch}@sha1:${base}`, ports));
  for (const change of changes) {
    const key = `${change.head} ${base}`;
    if (told.get(change.number) === key) continue;
    try {
      await review(change, before, ports);
      told.set(change.number, key);
    } catch (error) {
      // One that cannot be read (its head is gone again) keeps nobody else's from being looked at.
      const { code, message } = toProblem(error);
      if (code === "FORGE_UNAVAILABLE" || code === "DATABASE_UNAVAILABLE") throw error;
      log.warn({ pull: change.number, code, reason: message }, "a pull request cannot be validated now");
    }
  }
}

async function review(
  change: ProposedChange,
  readBase: () => Promise<ReadCatalog>,
  ports: ReviewPorts,
): Promise<void> {
  const { source, loosening, changeForge } = ports;
  const proposed = await readAndCompile(`${source.branch}@sha1:${change.head}`, ports);
  const before = proposed.catalog === null ? null : await readBase();
  const waitsFor =
    loosening === null ? null : demandsText([{ from: loosening.from, approvals: loosening.signatures }]);
  const broken = before !== null && before.catalog === null;
  const problem = broken ? `the head of ${source.branch} is not valid itself` : null;
  const findings = [...proposed.findings, ...loosened(before, proposed)];
  await changeForge.note(change, changeNote(change.head, findings, problem, waitsFor));
}

function loosened(before: CatalogCompilation | null, after: CatalogCompilation): readonly Finding[] {
  const comparable = before !== null && before.catalog !== null && after.catalog !== null;
  return comparable ? findLoosening(before.catalog, after.catalog) : [];
}
