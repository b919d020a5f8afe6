// Projects the outbox into the audit repository: one commit per milestone, in order, hash-chained. PostgreSQL is the truth;
// a crash between commit and mark is found by asking the repository; a remote that is away delays the record, nothing else.
import { firstPrevious } from "../domain/audit/record-lines.ts";
import {
  type RecordInput,
  type RenderedRecord,
  recordFolder,
  renderRecord,
} from "../domain/audit/render-record.ts";
import type { RecordedEvent } from "../domain/execution/events.ts";
import type {
  AuditRepository,
  ExecutionStore,
  Faults,
  Lease,
  Log,
  Outbox,
  OutboxEntry,
  RecordCommit,
} from "./ports.ts";

export interface RecordPorts {
  readonly outbox: Outbox;
  readonly executions: ExecutionStore;
  readonly auditRepository: AuditRepository;
  readonly lease: Pick<Lease, "replicaId">;
  readonly faults: Faults;
  readonly log: Log;
}

const flushLimit = 500;

interface Published {
  readonly id: string;
  readonly executionId: string;
  readonly commit: string;
  readonly head: string;
  readonly lines: number;
}

/**
 * One round: everything that waits is committed, then pushed once, because a push costs the same whatever it carries.
 * A push that failed is made again in the next round. @throws Problem GIT_*, DATABASE_UNAVAILABLE
 */
export function createPublisher(ports: RecordPorts): () => Promise<void> {
  let unpushed = true;
  let publishingAs: string | null = null;
  /** Under a new lease somebody else may have published meanwhile. */
  const follow = async () => {
    const replica = ports.lease.replicaId();
    if (publishingAs !== replica) await ports.auditRepository.follow();
    publishingAs = replica;
  };
  return async () => {
    for (let count = await flush(follow, ports); count > 0; count = await flush(follow, ports))
      unpushed = true;
    if (!unpushed) return;
    await follow();
    await ports.auditRepository.push();
    unpushed = false;
    await ports.faults.at("record-after-push");
  };
}

/** @returns how many milestones were committed; 0: nothing to do, or another replica publishes */
async function flush(follow: () => Promise<void>, ports: RecordPorts): Promise<number> {
  const entries = await ports.outbox.take(flushLimit);
  if (entries.length === 0) return 0;
  await follow();
  const { commits, rendered } = await render(entries, ports);
  const ids = await ports.auditRepository.commit(commits);
  await ports.faults.at("record-after-commit");
  let next = 0;
  const published = rendered.map(({ found, ...entry }) => ({ ...entry, commit: found ?? ids[next++] ?? "" }));
  await ports.outbox.markPublished(published);
  return published.length;
}

interface Rendered extends Omit<Published, "commit"> {
  /** The commit is there already: the writer before us crashed before it could mark it. */
  readonly found: string | null;
}

/** An entry that cannot be rendered waits for its mending and stops nobody else's. */
async function render(
  entries: readonly OutboxEntry[],
  ports: RecordPorts,
): Promise<{ commits: readonly RecordCommit[]; rendered: readonly Rendered[] }> {
  const commits: RecordCommit[] = [];
  const rendered: Rendered[] = [];
  const starts = new Map<string, string | null>();
  let last = await ports.outbox.lastHead();
  for (const { id, executionId, milestone, seq } of entries) {
    const found = await ports.auditRepository.has(executionId, milestone);
    if (found !== null) {
      rendered.push({ id, executionId, head: found.head, lines: found.lines, found: found.commit });
      last = found.head;
      continue;
    }
    const events = (await ports.executions.events(executionId)).filter((recorded) => recorded.seq <= seq);
    const known =
      starts.get(executionId) ?? (milestone === "planned" ? null : await startOf(executionId, events, ports));
    const previousHead = known ?? last;
    starts.set(executionId, previousHead);
    const record = tryRender({ executionId, milestone, events, previousHead }, ports);
    if (record === null) continue;
    commits.push({ files: record.files, message: record.message, at: record.at });
    rendered.push({ id, executionId, head: record.head, lines: record.lines, found: null });
    last = record.head;
  }
  return { commits, rendered };
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

/** What the first line of a record carries already; null: nothing of it is published. */
async function startOf(
  executionId: string,
  events: readonly RecordedEvent[],
  { auditRepository }: RecordPorts,
): Promise<string | null> {
  const requestedAt = events[0]?.at ?? "";
  const published = await auditRepository.read(`${recordFolder(executionId, requestedAt)}/events.jsonl`);
  return published === null ? null : firstPrevious(published);
}
