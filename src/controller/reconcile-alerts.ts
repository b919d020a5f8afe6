// Asks the Alertmanagers what they hold and makes good what was missed: lost resolves, lost firings, silences. What one of
// them does not say completely changes nothing. Every replica may do it: all of it is harmless when repeated.
import { plusSeconds } from "../domain/instant.ts";
import { type Problem, toProblem } from "../domain/problem.ts";
import type {
  AlertmanagerAnswer,
  Alertmanagers,
  AlertStore,
  Clock,
  Hold,
  Log,
  OpenFiringState,
} from "./ports.ts";

export interface ReconcilePorts {
  readonly alerts: Pick<AlertStore, "openFirings" | "receive" | "resolveUnheard" | "hold" | "letGo">;
  readonly alertmanagers: Alertmanagers;
  readonly clock: Clock;
  readonly log: Log;
}

export interface ReconcilePatience {
  /** A firing that was delivered so lately may not have reached every Alertmanager yet. */
  readonly unheardSeconds: number;
  /** After a restart an Alertmanager knows nothing until Prometheus has sent everything again. */
  readonly restartSeconds: number;
}

const usual: ReconcilePatience = { unheardSeconds: 30, restartSeconds: 300 };

/** Name of the source -> its answer; null: it could not be asked. */
type Answers = ReadonlyMap<string, AlertmanagerAnswer | null>;

/** @returns one round */
export function reconcileAlerts(ports: ReconcilePorts, patience = usual): () => Promise<void> {
  const away = new Set<string>();
  let first = true;
  return async () => {
    // Where nobody can be asked any more, what was held is let go once.
    if (ports.alertmanagers.sources.length === 0 && !first) return;
    first = false;
    const heardBefore = plusSeconds(ports.clock.now(), -patience.unheardSeconds);
    const answers = await askAll(ports, away);
    const open = await ports.alerts.openFirings();
    await apply(open, heardBefore, answers, patience, ports);
    await receiveMissed(open, answers, ports);
  };
}

/** One that is away is told of once, until it is back. */
async function askAll({ alertmanagers, log }: ReconcilePorts, away: Set<string>): Promise<Answers> {
  const ask = async (source: string) => {
    try {
      const answer = await alertmanagers.everything(source);
      if (away.delete(source)) log.info({ source }, "Alertmanager answers again");
      return [source, answer] as const;
    } catch (error) {
      const problem: Problem = toProblem(error);
      if (problem.code !== "ALERTMANAGER_UNAVAILABLE") throw error;
      const { code, message: reason } = problem;
      if (!away.has(source)) log.warn({ source, code, reason }, "Alertmanager cannot be asked what fires");
      away.add(source);
      return [source, null] as const;
    }
  };
  return new Map(await Promise.all(alertmanagers.sources.map(({ name }) => ask(name))));
}

async function apply(
  open: readonly OpenFiringState[],
  heardBefore: string,
  answers: Answers,
  { restartSeconds }: ReconcilePatience,
  { alerts, alertmanagers, log }: ReconcilePorts,
): Promise<void> {
  const held: (OpenFiringState & { readonly hold: Hold })[] = [];
  const free: OpenFiringState[] = [];
  const gone: OpenFiringState[] = [];
  const index = holdIndex(answers);
  for (const firing of open) {
    const { cluster, fingerprint, source, lastReceivedAt } = firing;
    const said = alertmanagers.sources
      .filter(({ clusters }) => clusters.includes(cluster))
      .map(({ name }) => answers.get(name) ?? null);
    const complete = said.every((answer) => answer !== null);
    const state = index.get(keyOf(firing));
    if (state?.hold) held.push({ ...firing, hold: state.hold });
    else if (said.length === 0 || (complete && state !== undefined)) free.push(firing);
    else if (
      complete &&
      answers.has(source) &&
      lastReceivedAt <= heardBefore &&
      said.every((answer) => !answer.fingerprints.has(fingerprint) && answer.upSeconds >= restartSeconds)
    )
      gone.push(firing);
  }
  const resolved = await alerts.resolveUnheard(gone, heardBefore);
  await alerts.hold(held);
  await alerts.letGo(free.filter(({ held: isHeld }) => isHeld));
  if (resolved > 0) log.info({ resolved }, "firings that their Alertmanager no longer has were resolved");
}

interface Present {
  readonly hold: Hold | null;
}

/** A firing is held when any of its Alertmanagers holds it. */
function holdIndex(answers: Answers): ReadonlyMap<string, Present> {
  const index = new Map<string, Present>();
  for (const answer of answers.values()) {
    for (const { alert, hold } of answer?.alerts ?? []) {
      const key = keyOf(alert);
      index.set(key, { hold: index.get(key)?.hold ?? hold });
    }
  }
  return index;
}

/** What fires there and is unknown here came while nobody listened: it goes the way of a delivery. What is held there waits there. */
async function receiveMissed(
  open: readonly OpenFiringState[],
  answers: Answers,
  { alerts, log }: ReconcilePorts,
): Promise<void> {
  const known = new Set(open.map(keyOf));
  const index = holdIndex(answers);
  for (const [source, answer] of answers) {
    const missed = (answer?.alerts ?? [])
      .map(({ alert }) => alert)
      .filter((alert) => !known.has(keyOf(alert)) && index.get(keyOf(alert))?.hold === null);
    if (missed.length === 0) continue;
    const { opened } = await alerts.receive({ bodyHash: "", source, alerts: missed, deadLetters: [] });
    if (opened > 0) log.info({ source, opened }, "firings were received that no delivery had brought");
  }
}

function keyOf({ cluster, fingerprint }: { readonly cluster: string; readonly fingerprint: string }): string {
  return JSON.stringify([cluster, fingerprint]);
}
