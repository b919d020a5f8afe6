// What the main thread and the lease's worker thread share: plain numbers in shared memory, so that a stalled loop on one side
// cannot make the other one wrong.

export interface LeaseState {
  /** Monotonic ms until which effects may be sent; 0: not at all. */
  validUntil(): number;
  setValidUntil(ms: number): void;
  /** Monotonic ms at which the main loop last ran. */
  mainSeen(): number;
  setMainSeen(ms: number): void;
  /** Database time in ms since 1970 minus monotonic ms. */
  clockOffset(): number;
  setClockOffset(ms: number): void;
}

export const leaseStateBytes = 3 * Float64Array.BYTES_PER_ELEMENT;

/** Microseconds as 64-bit integers, because only those are read and written whole across threads. */
export function leaseState(memory: SharedArrayBuffer): LeaseState {
  const cells = new BigInt64Array(memory);
  const read = (index: number) => Number(Atomics.load(cells, index)) / 1_000;
  const write = (index: number, ms: number) => {
    Atomics.store(cells, index, BigInt(Math.round(ms * 1_000)));
  };
  return {
    validUntil: () => read(0),
    setValidUntil: (ms) => write(0, ms),
    mainSeen: () => read(1),
    setMainSeen: (ms) => write(1, ms),
    clockOffset: () => read(2),
    setClockOffset: (ms) => write(2, ms),
  };
}
