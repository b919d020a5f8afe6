// `steps` as expressions read it: by the names of the template that the reading step comes from, whatever the plan calls them.
import type { Json, JsonObject } from "../json.ts";
import type { Plan } from "./plan.ts";
import { isOfFallback, ownName } from "./step-names.ts";

/** What is known of a step of the plan: its StepState is one. */
interface Told {
  readonly status: string;
  readonly output: Json;
}

const notYet: Told = { status: "pending", output: null };

/** Of a step for each subject: the worst that came of any, as far as it is known. */
const byWeight = ["unknown", "failed", "running", "retrying", "pending", "succeeded", "skipped"];

function together(parts: readonly Told[]): Told {
  const statuses = new Set(parts.map(({ status }) => status));
  return {
    status: byWeight.find((status) => statuses.has(status)) ?? "skipped",
    output: parts.map(({ output }) => output),
  };
}

/**
 * `{name: {output, status}}` for what step `reader` may read: the steps of its own template, `finally` included. What has not
 * run, or was skipped, has the output null. A step for each subject has the list of all outputs, in the order of the subjects.
 * What an earlier execution has done has the output that it had there.
 */
export function stepOutputs(plan: Plan, states: ReadonlyMap<string, Told>, reader: string): JsonObject {
  const own = isOfFallback(reader) ? (plan.fallback ?? plan) : plan;
  const single = new Map<string, Told>();
  const lists = new Map<string, Told[]>();
  for (const { name: planned } of [...own.steps, ...own.finally]) {
    const { name, index } = ownName(planned);
    if (name === null) continue;
    const { status, output } = states.get(planned) ?? notYet;
    if (index === null) single.set(name, { status, output });
    else lists.set(name, [...(lists.get(name) ?? []), { status, output }]);
  }
  const listed = [...lists].map(([name, parts]) => [name, together(parts)] as const);
  const taken = Object.entries(own.taken?.steps ?? {});
  return Object.fromEntries([...taken, ...single, ...listed]) as unknown as JsonObject;
}
