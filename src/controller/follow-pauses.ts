// Keeps an execution's own record of its pauses at what people say now: `Paused` before anything waits for it, `Resumed` when
// it is over, with who said so. What follows from them is nextWork's.
import type { FoundObject } from "../actions/protected.ts";
import type { ExecutionEvent, Paused } from "../domain/execution/events.ts";
import type { Execution } from "../domain/execution/execution.ts";
import type { Pause } from "../domain/facts/pause.ts";
import { pauseText, placesOf, untilText } from "../domain/gate/why-paused.ts";
import { canonicalJson, type Json } from "../domain/json.ts";
import { escalationName } from "../domain/templates/escalation.ts";
import type { EnginePorts } from "./engine-ports.ts";
import type { PauseStore } from "./pause-ports.ts";
import { readTouched } from "./protection.ts";
import type { Session } from "./session.ts";

type Ports = Pick<EnginePorts, "pauses" | "pauseStore" | "clusters" | "log">;

const askAgainMilliseconds = 15_000;
const lookSeconds = 10;

/** What changes nothing, and what only tells people, nobody needs to stop. */
export function canBePaused({ mode, plan, phase }: Execution): boolean {
  return mode === "live" && phase !== "ended" && plan !== null && plan.template.name !== escalationName;
}

/** Commands and `pause.yaml`, as known: costs nothing. An annotation is asked for by whoever reads the object. */
export async function followPauses(session: Session, ports: Ports): Promise<void> {
  const state = session.state();
  if (!canBePaused(state)) return;
  const pause = known(session, ports);
  if (pause === null && state.paused?.source === "annotation") return;
  await record(pause, session, ports);
}

/** Asks everybody, now. @param found the target and its namespace. @returns whether it is paused. @throws Problem */
export async function isPaused(
  session: Session,
  found: readonly FoundObject[],
  ports: Ports,
): Promise<boolean> {
  const state = session.state();
  if (!canBePaused(state)) return false;
  const pause = await ports.pauses.ask(places(state), session.id, found);
  await record(pause, session, ports);
  return session.state().paused !== null;
}

/** While it is paused. @returns milliseconds until it has to be looked at again, unless somebody says something before */
export async function waitPaused(session: Session, ports: Ports): Promise<number> {
  const { paused, plan } = session.state();
  if (paused?.source !== "annotation") return Number.POSITIVE_INFINITY;
  const signal = AbortSignal.any([session.signal, AbortSignal.timeout(lookSeconds * 1000)]);
  const target = plan?.target ?? null;
  const found = target === null ? [] : await readTouched([target], ports.clusters.tools(signal, session.id));
  return (await isPaused(session, found, ports)) ? askAgainMilliseconds : 0;
}

function known(session: Session, { pauses }: Ports): Pause | null {
  return pauses.known(places(session.state()), session.id);
}

function places({ plan }: Execution) {
  return plan === null ? [] : placesOf(plan);
}

async function record(pause: Pause | null, session: Session, ports: Ports): Promise<void> {
  const { paused } = session.state();
  if (pause === null && paused === null) return;
  // Whoever takes over before it has read `pause.yaml` does not know that the entry is gone.
  if (pause === null && paused?.source === "file" && !ports.pauses.filesKnown()) return;
  if (pause !== null && paused !== null && isSame(pause, paused)) return;
  const event: ExecutionEvent =
    pause === null ? await resumed(paused as Paused, ports.pauseStore) : { type: "Paused", ...pause };
  await session.record([event]);
  const reason = pause === null ? `resumed by ${(event as { by: string }).by}` : pauseText(pause);
  ports.log.info({ executionId: session.id, reason }, pause === null ? "resumed" : "paused");
}

function isSame(pause: Pause, paused: Paused): boolean {
  const { scope, by, reason, until, source } = paused;
  return (
    canonicalJson(pause as unknown as Json) ===
    canonicalJson({ scope, by, reason, until, source } as unknown as Json)
  );
}

/** Who said so; else it was its time, or what it was read from says so no longer. */
async function resumed(paused: Paused, store: Pick<PauseStore, "endOf">): Promise<ExecutionEvent> {
  const said = paused.source === "command" ? await store.endOf(paused.scope) : null;
  if (said !== null) return { type: "Resumed", ...said };
  const gone = { command: "the pause", file: "pause.yaml", annotation: "the annotation" }[paused.source];
  const reason = paused.until === null ? `${gone} is gone` : `it was paused${untilText(paused.until)}`;
  return { type: "Resumed", by: "gitmend", reason };
}
