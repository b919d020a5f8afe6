// Which guards count with a new catalog: its own where they stop all that the approved ones stop, else the stricter of both until the
// configured people have signed that commit. Compared is always with the catalog that was approved last, never with the commit before:
// neither a second commit nor a rewritten history hides the first.

import { findLoosening, keepGuards } from "../domain/gate/find-loosening.ts";
import { type Approval, type ApprovalDemand } from "../domain/gate/gate.ts";
import { demandsText, judgeApproval } from "../domain/gate/judge-approval.ts";
import type { Catalog } from "../domain/policies/catalog.ts";
import { Problem } from "../domain/problem.ts";
import type { GuardStore, Loosening, LooseningRules } from "./guard-ports.ts";
import type { CatalogCompiler, CatalogFile, CatalogSource, Log } from "./ports.ts";

export interface GuardPorts {
  readonly source: CatalogSource;
  readonly compiler: CatalogCompiler;
  readonly guardStore: GuardStore;
  /** null: nobody is asked, what is weaker counts at once and is recorded. */
  readonly loosening: LooseningRules | null;
  readonly teams: ReadonlyMap<string, readonly string[]>;
  readonly log: Log;
}

export interface Settled {
  readonly catalog: Catalog;
  /** Guards of another revision count too: people may approve this one at any time. */
  readonly held: boolean;
}

const attempts = 3;

/** @throws Problem DATABASE_UNAVAILABLE, GIT_UNREACHABLE; CATALOG_INVALID: the approved catalog cannot be read by this version */
export async function settleGuards(
  next: Catalog,
  files: readonly CatalogFile[],
  ports: GuardPorts,
): Promise<Settled> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const settled = await settleOnce(next, files, ports);
    if (settled !== null) return settled;
  }
  throw new Problem("DATABASE_UNAVAILABLE", "other replicas change the approved catalog all the time", {
    retryable: true,
  });
}

/** null: another replica approved something meanwhile. */
async function settleOnce(
  next: Catalog,
  files: readonly CatalogFile[],
  ports: GuardPorts,
): Promise<Settled | null> {
  const { guardStore } = ports;
  const { revision } = next;
  const before = await guardStore.approved();
  const free: Settled = { catalog: next, held: false };
  if (before?.revision === revision) return free;
  const approve = async (loosened: Parameters<GuardStore["approve"]>[2]) =>
    (await guardStore.approve(before?.revision ?? null, { revision, files }, loosened)) ? free : null;
  if (before === null) return approve(null);
  const approved = await compiled(before.revision, before.files, ports);
  const found = findLoosening(approved, next);
  if (found.length === 0) return approve(null);
  const guards = found.map(({ file, line, message }) => `${file}:${line} ${message}`);
  const { by, reason } = await judged(revision, ports);
  const loosening = { revision, guards, reason };
  if (by !== null) return approve({ ...loosening, by });
  await hold(loosening, ports);
  return { catalog: keepGuards(approved, next, shortCommit(before.revision)), held: true };
}

async function hold(loosening: Loosening, { guardStore, log }: GuardPorts): Promise<void> {
  await guardStore.hold(loosening);
  const { revision, guards, reason } = loosening;
  log.warn({ revision, guards: guards.slice(0, 20), reason }, "guards are weakened: the stricter ones count");
}

/** `by` null: not enough people have approved it. */
async function judged(
  revision: string,
  { loosening, source, teams, guardStore }: GuardPorts,
): Promise<{ readonly by: readonly string[] | null; readonly reason: string }> {
  if (loosening === null) return { by: [], reason: "gitmend.yaml names nobody under loosening" };
  const commit = commitOf(revision);
  const demand: ApprovalDemand = { from: loosening.from, approvals: loosening.signatures };
  const wanted = `signatures of ${demandsText([demand])}`;
  if (await guardStore.isSpent(revision))
    return { by: null, reason: `${wanted} on a new commit: this one was approved before, and replaced` };
  const signers = await source.signers(commit);
  const approvals = signers.map((by): Approval => ({ by, at: "", commit, verified: true }));
  const { enough, missing } = judgeApproval([demand], approvals, teams);
  return enough
    ? { by: signers, reason: wanted }
    : { by: null, reason: `${wanted}: ${missing}, as tags ${tagsOf(commit)}<name>` };
}

/** Whose signatures count as approvals of a commit. */
function tagsOf(commit: string): string {
  return `loosening/${commit.slice(0, 12)}/`;
}

async function compiled(
  revision: string,
  files: readonly CatalogFile[],
  { compiler }: GuardPorts,
): Promise<Catalog> {
  const { catalog, findings } = await compiler.compile(files, revision, true);
  if (catalog !== null) return catalog;
  const why = findings.find(({ severity }) => severity === "error")?.message ?? "it is not valid";
  const what = `the guards of ${shortCommit(revision)}, which were approved last, cannot be read by this version`;
  throw new Problem("CATALOG_INVALID", `${what}: ${why}`, { details: { findings } });
}

function commitOf(revision: string): string {
  return revision.slice(revision.indexOf("@sha1:") + "@sha1:".length);
}

function shortCommit(revision: string): string {
  return commitOf(revision).slice(0, 7);
}
