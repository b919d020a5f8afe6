// `container(target, name)`: the container of that name in the pod template of a workload, or in a pod itself.
import { isObject } from "../json.ts";
import { Problem } from "../problem.ts";

/** Where pod specs stand: a Pod's own, a workload's template, a CronJob's job template. */
const podSpecs = [
  ["spec"],
  ["spec", "template", "spec"],
  ["spec", "jobTemplate", "spec", "template", "spec"],
];

function read(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (here, key) => (isObject(here) && Object.hasOwn(here, key) ? here[key] : undefined),
    value,
  );
}

/** Works on CEL values. @throws Problem EXPRESSION_FAILED, `details.missing`: the target has no such container. */
export function containerOf(target: unknown, name: unknown): unknown {
  const listed = podSpecs.flatMap((path) =>
    ["containers", "initContainers"].flatMap((key) => read(target, [...path, key]) ?? []),
  );
  const found = listed.find((one) => isObject(one) && one["name"] === name);
  if (found !== undefined) return found;
  const names = listed
    .flatMap((one) => (isObject(one) && typeof one["name"] === "string" ? one["name"] : []))
    .join(", ");
  const message = `there is no container ${JSON.stringify(name)}; the target has ${names === "" ? "none" : names}`;
  throw new Problem("EXPRESSION_FAILED", message, { details: { missing: true } });
}
