// Whether new pods keep within the LimitRanges of their namespace: least, most, and how far a limit may be above its request, of
// each container and of the whole pod.
import type { KubernetesObject } from "../../domain/facts/objects.ts";
import type { JsonObject } from "../../domain/json.ts";
import { Problem } from "../../domain/problem.ts";
import type { NewPods } from "./new-pods.ts";
import { type AskingPod, type Asks, amountsIn, amountText, objectsIn } from "./pod-amounts.ts";

/** The first bound that they break; waiting does not change it. */
export function limitRangeProblem(
  pods: NewPods,
  asked: AskingPod,
  ranges: readonly KubernetesObject[],
): Problem | null {
  for (const { metadata, spec = {} } of ranges) {
    for (const item of objectsIn(spec["limits"])) {
      const broken = brokenBy(item, asked);
      if (broken === null) continue;
      const message =
        `LimitRange ${pods.namespace}/${metadata.name} takes no such pod of ${pods.of}: ${broken}. Change the LimitRange, or what the ` +
        "step and the pod template ask for";
      return new Problem("LIMIT_RANGE_EXCEEDED", message, { details: { limitRange: metadata.name } });
    }
  }
  return null;
}

function brokenBy(item: JsonObject, asked: AskingPod): string | null {
  if (item.type === "Pod") return firstBroken(item, asked, "the pod");
  if (item.type !== "Container") return null;
  for (const container of asked.containers) {
    const broken = firstBroken(item, container, `container ${container.name}`);
    if (broken !== null) return broken;
  }
  return null;
}

function firstBroken(item: JsonObject, { requests, limits }: Asks, who: string): string | null {
  const bound = (key: string) => [...amountsIn(item[key])];
  const text = (resource: string, value: bigint | undefined) =>
    value === undefined ? "not set" : amountText(resource, value);
  for (const [name, least] of bound("min")) {
    const low = [requests.get(name), limits.get(name) ?? least].find((is) => is === undefined || is < least);
    if (!requests.has(name) || low !== undefined)
      return `${who} has to ask for ${text(name, least)} ${name} at least, and that is ${text(name, low)}`;
  }
  for (const [name, most] of bound("max")) {
    const high = [limits.get(name), requests.get(name) ?? 0n].find((is) => is === undefined || is > most);
    if (!limits.has(name) || high !== undefined)
      return `${who} may have ${text(name, most)} ${name} at most, and its limit is ${text(name, limits.get(name))}`;
  }
  for (const [name, ratio] of bound("maxLimitRequestRatio")) {
    const [request = 0n, limit = 0n] = [requests.get(name), limits.get(name)];
    if (request === 0n || limit === 0n || limit * billion > ratio * request)
      return (
        `the ${name} limit of ${who} may be ${text("", ratio)} times its request at most, and it is ${text(name, limits.get(name))} ` +
        `at a request of ${text(name, requests.get(name))}`
      );
  }
  return null;
}

const billion = 1_000_000_000n;
