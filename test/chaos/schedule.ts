// Which fault strikes when, from the seed alone: the same seed, the same schedule. Faults are far enough apart that the time of
// a takeover after kill -9 is that of the takeover, not of a database that was away too.
import { seededRandom } from "../../src/simulation/world.ts";

export const faultKinds = [
  "kill",
  "stop",
  "restart-database",
  "crash-database",
  "cut-database",
  "half-open-database",
  "stall-database",
  "cut-api",
  "half-open-api",
  "api-faults",
  "clock",
] as const;
export type ChaosKind = (typeof faultKinds)[number];

export interface ChaosFault {
  readonly atSeconds: number;
  readonly kind: ChaosKind;
  readonly replica: number;
  /** How far the clock goes wrong; for other kinds unused. */
  readonly stepSeconds: number;
}

/** Executions are under way by then. */
const firstSeconds = 10;

/** Seconds until the next fault: what the one before needs. */
const after: Readonly<Record<ChaosKind, number>> = {
  kill: 8,
  stop: 9,
  "restart-database": 6,
  "crash-database": 6,
  "cut-database": 3,
  "half-open-database": 5,
  "stall-database": 6,
  "cut-api": 2,
  "half-open-api": 4,
  "api-faults": 4,
  clock: 1,
};

/** Every kind once in each round, in an order of the seed's own; at least one kill. */
export function scheduleOf(seed: number, seconds: number, replicas: number): readonly ChaosFault[] {
  const random = seededRandom(seed);
  const faults: ChaosFault[] = [];
  let at = Math.min(firstSeconds, seconds / 4);
  let round: ChaosKind[] = [];
  while (at < seconds) {
    if (round.length === 0) round = shuffled(faultKinds, random);
    const kind = faults.length === 0 ? "kill" : (round.pop() as ChaosKind);
    const replica = Math.floor(random() * replicas);
    const stepSeconds = Math.round((random() - 0.5) * 7200);
    faults.push({ atSeconds: Math.round(at * 10) / 10, kind, replica, stepSeconds });
    at += after[kind] + random() * 2;
  }
  return faults;
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  return items
    .map((item) => [random(), item] as const)
    .toSorted(([one], [other]) => one - other)
    .map(([, item]) => item);
}
