// What a ResourceQuota leaves, and whether new pods need more: counted as the API server counts.
import { selects } from "../../actions/disruption-room.ts";
import type { KubernetesObject } from "../../domain/facts/objects.ts";
import { isObject, type JsonObject } from "../../domain/json.ts";
import { Problem } from "../../domain/problem.ts";
import type { Moment, NewPods } from "./new-pods.ts";
import { type AskingPod, amountsIn, amountText, objectsIn, type Side } from "./pod-amounts.ts";

const askAgainSeconds = 15;
const one = 1_000_000_000n;

/** @param present what is in use by pods that go, of those that count in this quota */
export function quotaProblem(
  quota: KubernetesObject,
  pods: NewPods,
  asked: AskingPod,
  present: readonly AskingPod[],
): Problem | null {
  const hard = amountsIn(quota.status?.["hard"]);
  const used = amountsIn(quota.status?.["used"]);
  const name = `ResourceQuota ${pods.namespace}/${quota.metadata.name}`;
  const unset = [...hard.keys()].flatMap((resource) => unsetIn(resource, asked));
  if (unset.length > 0)
    return exceeded(
      `${name} takes no pod without ${unset.join(" and ")}, and new pods of ${pods.of} say none: set it in the pod template, or let ` +
        "a LimitRange of the namespace fill it in",
      { quota: quota.metadata.name, unset },
      false,
    );
  for (const [resource, most] of hard) {
    const each = usage(resource, asked);
    if (each === null || each === 0n) continue;
    const left = most - (used.get(resource) ?? 0n);
    for (const moment of pods.moments) {
      const need = each * BigInt(moment.adds) - freed(resource, moment, present);
      if (need <= 0n || need <= left) continue;
      const text = (nanos: bigint) => amountText(resource, nanos > 0n ? nanos : 0n);
      const numbers = { hard: text(most), left: text(left), need: text(need) };
      return exceeded(
        `${name} leaves ${numbers.left} of ${numbers.hard} ${resource}, and ${needText(moment, pods)} ` +
          `${numbers.need} more (${text(each)} a pod): raise the quota, end other pods of the namespace, or ask for less`,
        { quota: quota.metadata.name, resource, ...numbers },
        true,
      );
    }
  }
  return null;
}

function exceeded(message: string, details: Problem["details"], retryable: boolean): Problem {
  const wait = retryable ? { retryAfterSeconds: askAgainSeconds } : {};
  return new Problem("QUOTA_EXCEEDED", message, { retryable, details: { ...details, ...wait } });
}

function needText({ adds, frees }: Moment, { of }: NewPods): string {
  if (frees > 0 && adds > 1) return `the rollout of ${of} to ${adds} pods needs`;
  return adds === 1 ? `the first new pod of ${of} needs` : `${adds} new pods of ${of} need`;
}

/** Those that free most: a rollout that is possible in any order is not refused. */
function freed(resource: string, { frees }: Moment, present: readonly AskingPod[]): bigint {
  const amounts = present.map((pod) => usage(resource, pod) ?? 0n);
  const most = amounts.toSorted((a, b) => (a < b ? 1 : -1));
  return most.slice(0, frees).reduce((sum, value) => sum + value, 0n);
}

const plain = new Set(["cpu", "memory", "ephemeral-storage"]);

/** null: pods do not count in it. */
function usage(resource: string, asked: AskingPod): bigint | null {
  if (resource === "pods" || resource === "count/pods") return one;
  const { side, name } = sideOf(resource);
  if (name === resource && !plain.has(name) && !name.startsWith("hugepages-")) return null;
  return asked[side].get(name) ?? 0n;
}

function sideOf(resource: string): { readonly side: Side; readonly name: string } {
  if (resource.startsWith("limits.")) return { side: "limits", name: resource.slice("limits.".length) };
  return { side: "requests", name: resource.replace(/^requests\./, "") };
}

/** Where memory or CPU is counted every container has to say how much. */
function unsetIn(resource: string, { containers }: AskingPod): readonly string[] {
  const { side, name } = sideOf(resource);
  if (name !== "cpu" && name !== "memory") return [];
  const without = containers.filter((container) => !container[side].has(name));
  return without.length === 0 ? [] : [`${side}.${name} (${without.map((it) => it.name).join(", ")})`];
}

/** Scopes that this version does not know take no pod in: what they bound is left to the API server. */
export function inScope({ spec = {} }: KubernetesObject, podSpec: JsonObject, asked: AskingPod): boolean {
  const scopes = Array.isArray(spec["scopes"]) ? spec["scopes"] : [];
  const selector = isObject(spec["scopeSelector"]) ? spec["scopeSelector"] : {};
  const expressions = [
    ...scopes.map((scopeName) => ({ scopeName: String(scopeName), operator: "Exists" })),
    ...objectsIn(selector.matchExpressions),
  ] as readonly JsonObject[];
  return expressions.every((expression) => matches(expression, podSpec, asked));
}

function matches(expression: JsonObject, podSpec: JsonObject, { containers }: AskingPod): boolean {
  const ends = typeof podSpec.activeDeadlineSeconds === "number";
  const bestEffort = containers.every(({ requests, limits }) => requests.size === 0 && limits.size === 0);
  switch (expression.scopeName) {
    case "Terminating":
      return ends;
    case "NotTerminating":
      return !ends;
    case "BestEffort":
      return bestEffort;
    case "NotBestEffort":
      return !bestEffort;
    case "PriorityClass": {
      const { priorityClassName } = podSpec;
      const labels = typeof priorityClassName === "string" ? { PriorityClass: priorityClassName } : {};
      return selects({ matchExpressions: [{ ...expression, key: "PriorityClass" }] }, labels);
    }
    default:
      return false;
  }
}
