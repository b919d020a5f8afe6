// Monotonic time of the whole process, the same in every thread: what leases and the offset to the database's clock are measured by.

export function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}
