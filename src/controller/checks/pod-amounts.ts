// What a pod asks its cluster for: requests and limits of its containers, with what Kubernetes and LimitRanges fill in, and of the
// pod as a whole. Exact, in billionths.
import { readQuantity } from "../../actions/more-resources.ts";
import { Quantity, quantityText } from "../../domain/expressions/quantity.ts";
import type { KubernetesObject } from "../../domain/facts/objects.ts";
import { isObject, type JsonObject } from "../../domain/json.ts";

export type Amounts = ReadonlyMap<string, bigint>;
export type Side = "requests" | "limits";
export type Asks = Readonly<Record<Side, Amounts>>;

export interface AskingContainer extends Asks {
  readonly name: string;
  /** It has ended when the others start. */
  readonly init: boolean;
}

export interface AskingPod extends Asks {
  readonly containers: readonly AskingContainer[];
}

/** @param ranges LimitRanges of its namespace: they fill in what a container does not say */
export function askedBy(spec: JsonObject, ranges: readonly KubernetesObject[]): AskingPod {
  const defaults = objectsIn(ranges.flatMap(({ spec: { limits = [] } = {} }) => limits)).filter(
    ({ type }) => type === "Container",
  );
  const containers = [
    ...objectsIn(spec.containers).map((one) => asking(one, false, defaults)),
    ...objectsIn(spec.initContainers).map((one) => asking(one, one.restartPolicy !== "Always", defaults)),
  ];
  return {
    containers,
    requests: total(spec, containers, "requests"),
    limits: total(spec, containers, "limits"),
  };
}

function asking(container: JsonObject, init: boolean, defaults: readonly JsonObject[]): AskingContainer {
  const own = isObject(container.resources) ? container.resources : {};
  const limits = amountsIn(own.limits);
  // What is limited and says no request asks for its limit; a LimitRange comes after that.
  const fill = (side: Amounts, name: string) =>
    new Map([...defaults.flatMap((one) => [...amountsIn(one[name])]), ...side]);
  return {
    name: typeof container.name === "string" ? container.name : "",
    init,
    requests: fill(new Map([...limits, ...amountsIn(own.requests)]), "defaultRequest"),
    limits: fill(limits, "default"),
  };
}

/** The sum of what runs side by side, or an init container that asks for more; what is written of the whole pod counts instead. */
function total(spec: JsonObject, containers: readonly AskingContainer[], side: Side): Amounts {
  const sum = new Map<string, bigint>();
  for (const one of containers.filter(({ init }) => !init))
    for (const [name, value] of one[side]) sum.set(name, (sum.get(name) ?? 0n) + value);
  for (const one of containers.filter(({ init }) => init))
    for (const [name, value] of one[side]) if (value > (sum.get(name) ?? 0n)) sum.set(name, value);
  const whole = isObject(spec.resources) ? amountsIn(spec.resources[side]) : new Map<string, bigint>();
  for (const [name, value] of whole) sum.set(name, value);
  for (const [name, value] of amountsIn(spec.overhead))
    if (side === "requests" || sum.has(name)) sum.set(name, (sum.get(name) ?? 0n) + value);
  return sum;
}

/** What is no quantity is left out. */
export function amountsIn(amounts: unknown): Amounts {
  const entries = isObject(amounts) ? Object.entries(amounts) : [];
  return new Map(
    entries.flatMap(([name, value]): [string, bigint][] => {
      const quantity =
        typeof value === "string" || typeof value === "number" ? readQuantity(String(value)) : null;
      return quantity === null ? [] : [[name, quantity.nanos]];
    }),
  );
}

/** `1536Mi`, `250m`: in the units that people write for this resource. */
export function amountText(resource: string, nanos: bigint): string {
  const family = /memory|storage|hugepages/.test(resource) ? "binary" : "decimal";
  return quantityText(new Quantity(nanos, family));
}

export function objectsIn(list: unknown): readonly JsonObject[] {
  return Array.isArray(list) ? list.filter(isObject) : [];
}
