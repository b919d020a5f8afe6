// Why a firing starts nothing yet, although a rule may match it: what belongs together is still gathered, it opens and resolves
// again and again, what its target depends on is in trouble, or another alert of the same target goes first. Each ends by itself.
import type { ActionTools } from "../actions/action.ts";
import { durationText } from "../domain/duration.ts";
import type { Facts } from "../domain/facts/facts.ts";
import { objectKey, objectText, type Target } from "../domain/facts/objects.ts";
import { plusSeconds, secondsBetween } from "../domain/instant.ts";
import { subjectApis } from "../domain/intake/subject-of.ts";
import type { Catalog } from "../domain/policies/catalog.ts";
import { type Dependency, dependenciesOf, neededText } from "../domain/policies/dependencies.ts";
import type { Selection } from "../domain/policies/selection.ts";
import { toProblem } from "../domain/problem.ts";
import { allowsPlace, scopeOfFile } from "../domain/templates/scope.ts";
import type { DecisionPorts } from "./decision-ports.ts";
import type { Flapping } from "./hold-ports.ts";
import type { DueFiring, FiringDecision, Notice } from "./ports.ts";
import { resolveTarget } from "./resolve-target.ts";
import { targetHealth } from "./target-health.ts";
import { whoGoesFirst } from "./who-goes-first.ts";

export type HeldBack =
  | Extract<FiringDecision, { kind: "waiting" }>
  /** People have to hear of it. */
  | (Extract<Selection, { kind: "escalate" }> & { readonly notice: Notice });

const lookAgainSeconds = 15;

/** @param key of its incident. @returns null: it is decided now */
export async function heldBack(
  firing: DueFiring,
  key: string,
  facts: Facts,
  catalog: Catalog,
  tools: ActionTools,
  ports: DecisionPorts,
): Promise<HeldBack | null> {
  const { gatherSeconds } = ports.storms;
  const wait = (reason: string, seconds: number) => waiting(catalog, reason, seconds);
  const gathering = await ports.holds.aim(firing, key, gatherSeconds);
  if (gathering.first && gathering.seconds > 0)
    return wait(
      `gathers for ${durationText(gatherSeconds)} what fires for the same target`,
      gathering.seconds,
    );
  const flaps = await whyFlapping(firing, catalog, ports);
  if (flaps !== null) return flaps;
  const target = facts.target.available ? facts.target.value : null;
  const needs = target === null ? null : await whatItNeeds(firing, target, facts.now, catalog, tools, ports);
  if (needs !== null) return wait(needs.reason, needs.seconds);
  if (!gathering.first || gatherSeconds === 0) return null;
  const leader = await whoGoesFirst(firing, key, target, catalog, tools, ports);
  return leader === null ? null : wait(leader, 2);
}

function waiting(
  { revision }: Catalog,
  reason: string,
  retrySeconds: number,
): Extract<FiringDecision, { kind: "waiting" }> {
  return { kind: "waiting", revision, reasons: [reason], retrySeconds };
}

async function whyFlapping(
  { alert }: DueFiring,
  catalog: Catalog,
  { holds, storms }: DecisionPorts,
): Promise<HeldBack | null> {
  const { openings, windowSeconds } = storms.flapping;
  const notice = `flapping/${alert.cluster}/${alert.fingerprint}`;
  const found = await holds.flapping(alert, { openings, windowSeconds, notice });
  if (found === null) return null;
  const reason = `${alert.name} has opened ${found.count} times within ${durationText(windowSeconds)}: nothing is started while it opens and resolves again and again`;
  return found.told ? waiting(catalog, reason, Math.max(1, found.seconds)) : tell(reason, found);
}

function tell(message: string, { asked }: Flapping): HeldBack {
  const notice = { key: asked.notice, quietSeconds: asked.windowSeconds };
  const reasons = [message];
  return {
    kind: "escalate",
    rule: "built-in/flapping",
    to: null,
    severity: "warning",
    message,
    reasons,
    notice,
  };
}

interface Need {
  readonly reason: string;
  readonly seconds: number;
}

/** Each dependency holds from when the alert opened, for its own time. */
async function whatItNeeds(
  { openedAt }: DueFiring,
  target: Target,
  now: string,
  { dependencies, scopes }: Catalog,
  tools: ActionTools,
  ports: DecisionPorts,
): Promise<Need | null> {
  for (const dependency of dependenciesOf(target, dependencies)) {
    const scope = scopeOfFile(dependency.position.file, scopes);
    if (scopes.length > 0 && (scope === null || !allowsPlace(scope, target))) continue;
    const left = secondsBetween(now, plusSeconds(openedAt, dependency.holdSeconds));
    const trouble = left <= 0 ? null : await troubleWith(dependency, target.cluster, tools, ports);
    if (trouble !== null)
      return {
        reason: `waits for what it depends on (${dependency.name}): ${trouble}`,
        seconds: Math.min(left, lookAgainSeconds),
      };
  }
  return null;
}

/** What cannot be known now counts as trouble: the hold ends all the same. */
async function troubleWith(
  dependency: Dependency,
  cluster: string,
  tools: ActionTools,
  { holds }: DecisionPorts,
): Promise<string | null> {
  const { kind, namespace, name } = dependency.on;
  const ref = { cluster, apiVersion: subjectApis[kind] ?? "v1", kind, namespace, name };
  const trouble = await holds.trouble(objectKey(ref));
  if (trouble === "fires") return `an alert fires for ${objectText(ref)}`;
  if (trouble === "incident") return `an incident of ${objectText(ref)} is open`;
  try {
    const found = await resolveTarget(cluster, ref, tools);
    if (found === null) return `${neededText(dependency)} is not there`;
    const health = await targetHealth({ ...ref, uid: found.uid }, tools.cluster(cluster));
    return health === null || health.health === "healthy" ? null : health.finding;
  } catch (error) {
    return `${neededText(dependency)} cannot be read: ${toProblem(error).message}`;
  }
}
