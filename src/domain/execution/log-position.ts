// Places in the log of all events, which is in the order of transactions, executions and seqs; and how readers are told of them.

/** After this event; with the nil id, before all events of this transaction. */
export interface LogPosition {
  readonly xid: bigint;
  /** In lower case: its order as text is the one of the database. */
  readonly executionId: string;
  readonly seq: number;
}

const nilId = "00000000-0000-0000-0000-000000000000";
const largestXid = 2n ** 64n - 1n;

export function beforeTransaction(xid: bigint): LogPosition {
  return { xid, executionId: nilId, seq: 0 };
}

/** Whether it stands for an event, and not for the beginning of a transaction. */
export function isOfEvent({ seq }: LogPosition): boolean {
  return seq > 0;
}

/** `8123`, or `8123.0199f3c2-5b1e-7c4d-9a2f-7c1e2a4b9d0f.4`. */
export function positionText(position: LogPosition): string {
  const { xid, executionId, seq } = position;
  return isOfEvent(position) ? `${xid}.${executionId}.${seq}` : String(xid);
}

/** null: no position was ever written so. */
export function readPosition(text: string): LogPosition | null {
  const [, digits, executionId, seq] =
    /^(\d{1,20})(?:\.([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.([1-9]\d{0,8}))?$/.exec(text) ?? [];
  const xid = BigInt(digits ?? 0);
  if (digits === undefined || xid > largestXid) return null;
  return executionId === undefined ? beforeTransaction(xid) : { xid, executionId, seq: Number(seq) };
}

export function isAfter(one: LogPosition, other: LogPosition): boolean {
  if (one.xid !== other.xid) return one.xid > other.xid;
  if (one.executionId !== other.executionId) return one.executionId > other.executionId;
  return one.seq > other.seq;
}
