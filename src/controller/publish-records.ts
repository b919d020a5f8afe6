// Projects the outbox into the audit repository: one commit per milestone, in order, hash-chained, and one per act of control.
// PostgreSQL is the truth; a crash between commit and mark is found by asking the repository; a remote that is away delays the
// record, nothing else.
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Control } from "../domain/audit/control.ts";
import { firstPrevious, noHead } from "../domain/audit/record-lines.ts";
import {
  milestoneKey,
  type RecordInput,
  type RenderedRecord,
  recordFolder,
  renderRecord,
} from "../domain/audit/render-record.ts";
import type { RecordedEvent } from "../domain/execution/events.ts";
import type { Faults } from "./fault-ports.ts";
import type { Metrics } from "./metrics.ts";
import type {
  AuditRepository,
  Lease,
  Log,
  Outbox,
  OutboxEntry,
  PublishedRecord,
  RecordCommit,
} from "./ports.ts";
import { inOrder, type RenderedControls, renderControls } from "./render-controls.ts";

export interface RecordPorts {
  readonly outbox: Outbox;
  readonly auditRepository: AuditRepository;
  readonly lease: Pick<Lease, "replicaId">;
  readonly faults: Faults;
  readonly log: Log;
  readonly metrics: Metrics;
}

const flushLimit = 500;

/**
 * One round: everything that waits is committed, pushed, and marked only then: a replica that is gone takes with it nothing that
 * anybody counts on. What failed is made again in the next round; a round that is asked for while another runs comes after it.
 * @throws Problem GIT_*, DATABASE_UNAVAILABLE
 */
export function createPublisher(ports: RecordPorts): () => Promise<void> {
  /** A remote that is new, or was wound back, lacks what was marked long ago. */
  let remoteIsKnown = false;
  let publishingAs: string | null = null;
  /** Under a new lease, and before the first commit, somebody else may have published meanwhile. */
  const follow = async () => {
    const replica = ports.lease.replicaId();
    if (publishingAs !== replica) await ports.auditRepository.follow();
    publishingAs = replica;
  };
  const round = async () => {
    try {
      const count = await commitAll(follow, ports);
      if (count === 0 && !remoteIsKnown) {
        // Whoever publishes may be another one: what it does later is not known by this.
        await ports.auditRepository.follow();
        await ports.auditRepository.push();
      }
      remoteIsKnown = true;
    } catch (error) {
      publishingAs = null;
      throw error;
    }
  };
  // Two at once would commit the same milestones twice.
  let last: Promise<void> = Promise.resolve();
  return () => (last = last.catch(() => undefined).then(round));
}

/** What is rendered but not marked yet: the next flush has to go on from it. */
interface Flush {
  readonly rendered: readonly Rendered[];
  readonly controls: RenderedControls;
  readonly commits: readonly RecordCommit[];
  /** Of this round: entries that cannot be rendered. They wait for their mending and stop nobody else's. */
  readonly stuck: readonly string[];
}

interface Rendered extends Omit<PublishedRecord, "commit"> {
  /** An id: it is there already, the writer before us crashed before it could mark it. */
  readonly commit: string | RecordCommit;
}

/**
 * While git writes and pushes one flush the next one is rendered: the two take about as long, each on a core of its own.
 * @returns how much was committed; 0: nothing to do, or another replica publishes
 */
async function commitAll(follow: () => Promise<void>, ports: RecordPorts): Promise<number> {
  let count = 0;
  let flush: Flush | null = null;
  let writing: Promise<void> = Promise.resolve();
  try {
    for (;;) {
      const entries = await ports.outbox.take(flushLimit, flush === null ? [] : takenBy(flush));
      const acts = await ports.outbox.controls(flushLimit, flush === null ? [] : controlsOf(flush));
      if (entries.length + acts.length === 0) break;
      if (flush === null) await follow();
      flush = await render(entries, acts, flush, ports);
      await writing;
      writing = write(flush, ports);
      // It is awaited above or below; until then it must not count as unhandled.
      writing.catch(() => undefined);
      count += flush.rendered.length + flush.controls.rendered.length;
    }
  } finally {
    await writing;
  }
  return count;
}

function takenBy({ rendered, stuck }: Flush): readonly string[] {
  return [...rendered.map(({ id }) => id), ...stuck];
}

function controlsOf({ controls }: Flush): readonly string[] {
  return [...controls.rendered.map(({ id }) => id), ...controls.stuck];
}

async function write({ commits, controls, rendered }: Flush, ports: RecordPorts): Promise<void> {
  if (rendered.length + controls.rendered.length === 0) return;
  const ids = await ports.auditRepository.commit(commits);
  ports.metrics.count("audit_commits_total", {}, ids.length);
  await ports.faults.at("record-after-commit");
  await ports.auditRepository.push();
  await ports.faults.at("record-after-push");
  const made = new Map(commits.map((commit, index) => [commit, ids[index] ?? ""]));
  const withId = <T extends { readonly commit: string | RecordCommit }>(one: T) => ({
    ...one,
    commit: typeof one.commit === "string" ? one.commit : (made.get(one.commit) ?? ""),
  });
  await ports.outbox.markPublished(rendered.map(withId));
  await ports.outbox.markControls(controls.rendered.map(withId));
}

async function render(
  entries: readonly OutboxEntry[],
  acts: readonly Control[],
  before: Flush | null,
  ports: RecordPorts,
): Promise<Flush> {
  const rendered: Rendered[] = [];
  const stuck = [...(before?.stuck ?? [])];
  const starts = new Map(before?.rendered.map((record) => [record.executionId, record.firstPrevious]));
  const streams = await ports.outbox.events(entries.map(({ executionId }) => executionId));
  const newest = await ports.auditRepository.newest();
  const controls = renderControls(acts, newest.controls, before?.controls.stuck ?? [], ports.log);
  let last = before?.rendered.at(-1)?.head ?? (await ports.outbox.lastHead());
  for (const entry of entries) {
    const { id, executionId, milestone, seq } = entry;
    const events = (streams.get(executionId) ?? []).slice(0, seq);
    const found = newest.milestones.get(milestoneKey(executionId, seq)) ?? null;
    const known = starts.get(executionId) ?? entry.firstPrevious;
    const start = known ?? (await publishedStart(entry, found !== null, events, ports)) ?? last ?? noHead;
    const record = found ?? tryRender({ executionId, milestone, events, previousHead: start }, ports);
    if (record === null) {
      stuck.push(id);
      continue;
    }
    const { head, lines } = record;
    const commit =
      "files" in record ? { files: record.files, message: record.message, at: record.at } : record.commit;
    rendered.push({ id, executionId, head, lines, firstPrevious: start, commit });
    starts.set(executionId, start);
    last = head;
    await nextTurn();
  }
  return { commits: inOrder(toMake(controls.rendered), toMake(rendered)), rendered, controls, stuck };
}

function toMake(rendered: readonly { readonly commit: string | RecordCommit }[]): readonly RecordCommit[] {
  return rendered.flatMap(({ commit }) => (typeof commit === "string" ? [] : [commit]));
}

function tryRender(input: RecordInput, { log }: RecordPorts): RenderedRecord | null {
  try {
    return renderRecord(input);
  } catch (error) {
    log.error(
      { executionId: input.executionId, milestone: input.milestone, err: error },
      "a record cannot be written",
    );
    return null;
  }
}

/** What the first line of a record carries already, where the database does not know it; null: nothing of it is published. */
async function publishedStart(
  { executionId, milestone }: OutboxEntry,
  isFound: boolean,
  events: readonly RecordedEvent[],
  { auditRepository }: RecordPorts,
): Promise<string | null> {
  const isLift = events.some(({ event }) => event.type === "ApprovalLifted");
  if (milestone === "planned" && !isFound && !isLift) return null;
  const requestedAt = events[0]?.at ?? "";
  const published = await auditRepository.read(`${recordFolder(executionId, requestedAt)}/events.jsonl`);
  return published === null ? null : firstPrevious(published);
}
