// The loops of one replica, and nothing else: each looks for its own work in the database, so that any replica can do any
// of it and a crash loses none. Started and drained by app.ts.
import { isRevoked, revokedText } from "../domain/policies/catalog.ts";
import { type AssessmentPorts, assessOutcomes } from "./assess-outcomes.ts";
import { atMost } from "./at-most.ts";
import { type Backlog, createBacklog } from "./backlog.ts";
import { type BreakerPorts, type Breakers, createBreakers } from "./breakers.ts";
import { createDecider } from "./decide-firings.ts";
import type { DecisionPorts } from "./decision-ports.ts";
import { createDrives, type Drives } from "./drives.ts";
import type { EnginePorts } from "./engine-ports.ts";
import { loop } from "./loop.ts";
import {
  type PauseAnswer,
  type PauseByHandPorts,
  type PauseRequest,
  pauseByHand,
  resumeByHand,
} from "./pause-by-hand.ts";
import type { PauseStore } from "./pause-ports.ts";
import { createPauses, type Pauses } from "./pauses.ts";
import type { Retention } from "./ports.ts";
import { createPublisher, type RecordPorts } from "./publish-records.ts";
import { type ReconcilePorts, reconcileAlerts } from "./reconcile-alerts.ts";
import { type RememberPorts, rememberBindings } from "./remember-bindings.ts";
import { replan } from "./replan.ts";
import { createReviews, type ReviewPorts, type Reviews } from "./review-changes.ts";
import { pause } from "./session.ts";
import { silentSources } from "./silent-sources.ts";
import { type AgainRequest, startAgain } from "./start-again.ts";
import { type StartAnswer, type StartRequest, startByHand } from "./start-by-hand.ts";
import { type FollowUpPorts, startFollowUps } from "./start-follow-ups.ts";
import { type CatalogPorts, type CatalogSync, createCatalogSync } from "./sync-catalog.ts";
import { type TellPorts, tellPeople } from "./tell-people.ts";
import { weighNow } from "./weigh-plan.ts";

export type ControllerPorts = Omit<DecisionPorts, "pauses" | "breakers"> &
  Omit<EnginePorts, "weigh" | "replan" | "pauses" | "revoked"> &
  RecordPorts &
  AssessmentPorts &
  Pick<ReconcilePorts, "alertmanagers"> &
  BreakerPorts &
  TellPorts &
  Pick<RememberPorts, "bindings" | "bindingNamespaces"> &
  Pick<FollowUpPorts, "followUps"> &
  Pick<CatalogPorts, "source" | "compiler" | "catalogState" | "guardStore" | "loosening"> & {
    readonly pauseStore: PauseStore;
    /** null: nobody's pull requests are looked at. */
    readonly changes: Pick<ReviewPorts, "changeForge" | "source" | "compiler"> | null;
  };

export interface ControllerOptions {
  readonly catalogIntervalSeconds: number;
  /** A firing that was not delivered for this long starts nothing. */
  readonly staleAfterSeconds: number;
  readonly retention: Retention;
  /** How long an execution and its events stay in the database; by whole months. */
  readonly keepExecutionsSeconds: number;
}

export interface Controller {
  /** An alert was received: decide at once instead of at the next tick. */
  nudge(): void;
  readonly catalog: CatalogSync;
  readonly pauses: {
    all: Pauses["all"];
    /** @throws Problem as pauseByHand does */
    pause(request: PauseRequest): Promise<PauseAnswer>;
    resume(request: PauseRequest): Promise<PauseAnswer>;
  };
  readonly breakers: Pick<Breakers, "list" | "reset">;
  readonly backlog: Pick<Backlog, "length" | "sheds" | "refuses" | "opened">;
  readonly reviews: Pick<Reviews, "lookSoon">;
  /** A person starts a template. @throws Problem as startByHand does */
  start(request: StartRequest): Promise<StartAnswer>;
  /** A person tries an ended execution again. @throws Problem as startAgain does */
  startAgain(request: AgainRequest): Promise<StartAnswer>;
  /** Executions that this replica drives now. */
  driving(): number;
  /** Starts nothing new, lets running steps end within `graceSeconds`, gives the rest back. */
  drain(graceSeconds: number): Promise<void>;
}

const claimMilliseconds = 250;
const claimLimit = 500;
const publishMilliseconds = 1000;
const catalogMilliseconds = 1000;
const assessMilliseconds = 1000;
const tellMilliseconds = 1000;
const reviewMilliseconds = 1000;
const backlogMilliseconds = 1000;
const housekeepingMilliseconds = 5000;
const minuteMilliseconds = 60_000;
const lastRoundMilliseconds = 2000;

export function startController(given: ControllerPorts, options: ControllerOptions): Controller {
  const { alerts, executions, log } = given;
  const stopping = new AbortController();
  let nudged = Promise.withResolvers<void>();
  const nudge = () => nudged.resolve();
  const catalog = createCatalogSync(given, options.catalogIntervalSeconds);
  const pauses = createPauses(given.pauseStore, () => catalog.current(), given.clock);
  const ports = { ...given, pauses };
  const weigh: EnginePorts["weigh"] = (executionId, alert, plan, tools) =>
    weighNow(executionId, alert, plan, catalog.current(), tools, ports);
  const replanned: EnginePorts["replan"] = (executionId, state, parameters, tools) =>
    replan(executionId, state, parameters, catalog.current(), tools, ports);
  const breakers = createBreakers(ports, nudge);
  const backlog = createBacklog(alerts, given.storms.backlog);
  const reviews = given.changes === null ? noReviews : createReviews({ ...given, ...given.changes });
  const drives = createDrives({ ...ports, weigh, replan: replanned, revoked: revokedIn(catalog) }, nudge);
  const publish = createPublisher(ports);
  const every = (milliseconds: number, round: () => Promise<unknown>) =>
    loop(milliseconds, round, stopping.signal, log);
  const nextNudge = async (milliseconds: number) => {
    await Promise.race([nudged.promise, pause(milliseconds, stopping.signal)]);
    nudged = Promise.withResolvers<void>();
  };
  const decider = createDecider(ports, catalog, drives, nudge);
  const loops = [
    every(catalogMilliseconds, () => catalog.round()),
    every(claimMilliseconds, () => claim(ports, drives)),
    every(publishMilliseconds, publish),
    every(assessMilliseconds, () => assessOutcomes(ports)),
    every(tellMilliseconds, () => tellPeople(ports)),
    every(reviewMilliseconds, () => reviews.round()),
    every(assessMilliseconds, () => startFollowUps(catalog.current(), drives, ports)),
    every(housekeepingMilliseconds, () => breakers.trip()),
    every(backlogMilliseconds, () => backlog.count()),
    every(housekeepingMilliseconds, () => alerts.keepHouse(options.staleAfterSeconds, options.retention)),
    every(minuteMilliseconds, () => keepMonths(ports, options.keepExecutionsSeconds)),
    every(minuteMilliseconds, () => rememberBindings(ports)),
    every(minuteMilliseconds, reconcileAlerts(ports)),
    every(minuteMilliseconds, silentSources(ports)),
    loop(claimMilliseconds, decider.round, stopping.signal, log, nextNudge),
  ];
  return {
    nudge,
    catalog,
    pauses: pauseControl(ports, nudge),
    breakers,
    backlog,
    reviews,
    driving: () => drives.count(),
    start: (request) => driven(startByHand(request, catalog.current(), ports), drives),
    startAgain: (request) => driven(startAgain(request, catalog.current(), ports), drives),
    async drain(graceSeconds) {
      stopping.abort(new Error("the controller stops"));
      await drives.drain(graceSeconds);
      // A round may hang on a remote that says nothing: it must not keep the executions from being given back.
      await atMost(lastRoundMilliseconds, Promise.all([...loops, decider.idle()]));
      await executions.release();
      await atMost(lastRoundMilliseconds, publish());
    },
  };
}

/** What was started is driven here. */
async function driven(starting: Promise<StartAnswer>, drives: Pick<Drives, "start">): Promise<StartAnswer> {
  const answer = await starting;
  if (answer.executionId !== null) drives.start({ id: answer.executionId, epoch: 1 });
  return answer;
}

function pauseControl(
  ports: PauseByHandPorts & { readonly pauses: Pauses },
  nudge: () => void,
): Controller["pauses"] {
  return {
    all: () => ports.pauses.all(),
    pause: (request) => pauseByHand(request, ports),
    resume: (request) => resumeByHand(request, ports).finally(nudge),
  };
}

const noReviews: Reviews = { round: async () => undefined, lookSoon: () => undefined };

function revokedIn(catalog: Pick<CatalogSync, "current">): EnginePorts["revoked"] {
  return (template) => {
    const inUse = catalog.current();
    return inUse !== null && isRevoked(template, inUse) ? revokedText(template) : null;
  };
}

async function keepMonths({ executions, log }: ControllerPorts, seconds: number): Promise<void> {
  const retired = await executions.keepMonths(seconds);
  if (retired !== null)
    log.info(retired, "executions older than their retention are in the audit repository alone");
}

/** Executions without a live owner become ours; what was asked of ours is handed over. */
async function claim(
  { executions, lease, pauses }: ControllerPorts & { readonly pauses: Pauses },
  drives: Drives,
): Promise<void> {
  if (!lease.valid()) return;
  if (await pauses.look()) drives.wake();
  for (let taken = claimLimit; taken === claimLimit && lease.valid(); ) {
    const abandoned = await executions.claimAbandoned(claimLimit);
    for (const execution of abandoned) drives.start(execution);
    taken = abandoned.length;
  }
  for (const command of await executions.commands()) drives.give(command);
}
