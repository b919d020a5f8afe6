// kill -9 at every named point of an execution, then a restart: the execution ends rightly, every effect is made once.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { FaultPoint } from "../../src/controller/ports.ts";
import type { ExecutionEvent } from "../../src/domain/execution/events.ts";
import type { ControllerProcess } from "../support/controller-process.ts";
import { eventually } from "../support/eventually.ts";
import {
  deployAndBreak,
  ended,
  openShippedSite,
  policy,
  rollback,
  scaleThenFail,
  startWorld,
  type World,
} from "./world.ts";

const forward = [
  "decision-before-commit",
  "decision-after-commit",
  "step-before-start",
  "step-after-start",
  "step-after-effect",
  "step-before-outcome",
  "step-after-outcome",
  "ended-before-append",
  "ended-after-append",
  "record-after-commit",
  "record-after-push",
] as const satisfies readonly FaultPoint[];
const backward = [
  "undo-after-start",
  "undo-after-effect",
  "undo-after-outcome",
] as const satisfies readonly FaultPoint[];

/** Does not compile when a FaultPoint is in neither list; asking for approval dies in approval-gate.e2e.test.ts. */
type Elsewhere = "approval-after-open";
type Missing = Exclude<FaultPoint, (typeof forward)[number] | (typeof backward)[number] | Elsewhere>;
const missing: readonly Missing[] & { readonly length: 0 } = [];

const cases = forward.map((point) => [point, passOf(point)] as const);

const finallyThree = `
finally:
  - name: leave-three
    action: {type: kubernetes, action: scale_deployment, parameters: {replicas: 3}}
`;
const first = scaleThenFail.replace("{cooldown: 1h}", "{cooldown: 1h, fallback: second}");
const helps = rollback.replace("name: roll-back", "name: second");
const failsToo = scaleThenFail.replace("name: scale-then-fail", "name: second");

/** Which pass of a point is where, in a template whose two steps fail, whose fallback has three, and which ends with one more. */
const later = [
  ["the fallback", "step-after-start", 4],
  ["the fallback", "step-after-effect", 2],
  ["the fallback", "step-after-outcome", 4],
  ["finally", "step-after-start", 6],
  ["finally", "step-after-effect", 3],
  ["finally", "step-before-outcome", 6],
  ["the undo before a fallback", "undo-after-outcome", 1],
] as const satisfies readonly (readonly [string, FaultPoint, number])[];
const last = [["undo-after-effect", 2]] as const;

/** Steps: the second is the one that changes something. Pushes: the first is made at the start, whatever there is. */
function passOf(point: FaultPoint): number {
  return point === "record-after-push" || (point.startsWith("step-") && point !== "step-after-effect")
    ? 2
    : 1;
}

let world: World;
beforeAll(async () => {
  const names = [...forward, ...backward, ...later.map(([, ...at]) => at.join("-"))];
  world = await startWorld([...names, ...last.map((at) => at.join("-"))].map((name) => `at-${name}`));
});
afterAll(() => world.stop());

/** Says why when it lives on. */
async function dies(controller: ControllerProcess): Promise<void> {
  await eventually("the fault point is reached", () => controller.log().includes("fault point reached"), {
    seconds: 60,
  }).catch((error: unknown) => {
    throw new Error(controller.log(), { cause: error });
  });
  await controller.exited;
}

async function dieAndComeBack(namespace: string, templates: readonly string[], fault: string) {
  await deployAndBreak(world, namespace);
  const named = templates.map((text) => [/name: (\S+)/.exec(text)?.[1] ?? "", text] as const);
  const site = await openShippedSite(
    world,
    namespace,
    {
      ...Object.fromEntries(named.map(([name, text]) => [`templates/${name}.yaml`, text])),
      "policies/tests.yaml": policy(named[0]?.[0] ?? ""),
    },
    [namespace],
  );
  const first = await site.start({ GITMEND_FAULT: fault });
  await site.fire(first).catch((error: unknown) => {
    throw new Error(first.log(), { cause: error });
  });
  await dies(first);
  const second = await site.start();
  const execution = await ended(second, 25);
  await eventually("the record is published", () => site.auditLog().includes("Outcome: "));
  const { events } = (await second.get(`/api/v1/executions/${execution.id}`)) as {
    events: { seq: number; event: ExecutionEvent }[];
  };
  const count = (type: string) => events.filter(({ event }) => event.type === type).length;
  const all = (await second.get("/api/v1/executions")) as { items: unknown[] };
  second.kill("SIGTERM");
  expect(await second.exited).toBe(0);
  expect(first.log()).toContain("fault point reached");
  expect(all.items).toHaveLength(1);
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  return { execution, site, count };
}

describe("a controller that is killed", () => {
  it.each(cases)("at %s carries on after a restart and rolls back once", async (point, pass) => {
    const namespace = `at-${point}`;
    const { execution, site } = await dieAndComeBack(namespace, [rollback], `${point}:kill:${pass}`);
    expect(execution.outcome).toBe("succeeded");
    expect(world.simulation.cluster.effects.count({ manager: "gitmend", namespace })).toBe(1);
    expect(world.simulation.cluster.deployment(namespace, "api").healthy).toBe(true);
    const subjects = site
      .auditLog()
      .split("\n")
      .filter((line) => /^(plan|remediate)\(/.test(line));
    expect(subjects.map((line) => line.split("(")[0])).toEqual(["plan", "remediate"]);
  });

  it.each(backward)("at %s carries on and undoes once", async (point) => {
    const namespace = `at-${point}`;
    const { execution } = await dieAndComeBack(namespace, [scaleThenFail], `${point}:kill`);
    expect(execution.outcome).toBe("rolled_back");
    // One to scale, one to scale back.
    expect(world.simulation.cluster.effects.count({ manager: "gitmend", namespace })).toBe(2);
    expect(world.simulation.cluster.deployment(namespace, "api").wanted).toBe(2);
  });

  it.concurrent.each(later)("in %s at %s, pass %i, makes every change once", async (_where, point, pass) => {
    const namespace = `at-${point}-${pass}`;
    const templates = [first + finallyThree, helps];
    const { execution, count } = await dieAndComeBack(namespace, templates, `${point}:kill:${pass}`);
    expect(execution.outcome).toBe("succeeded");
    expect(count("FallbackChosen")).toBe(1);
    // Scaled, scaled back, rolled back, left at three.
    expect(world.simulation.cluster.effects.count({ manager: "gitmend", namespace })).toBe(4);
    const { healthy, wanted } = world.simulation.cluster.deployment(namespace, "api");
    expect({ healthy, wanted }).toEqual({ healthy: true, wanted: 3 });
  });

  it.concurrent.each(last)("at %s of a fallback that fails undoes it once", async (point, pass) => {
    const namespace = `at-${point}-${pass}`;
    const { execution, count } = await dieAndComeBack(namespace, [first, failsToo], `${point}:kill:${pass}`);
    expect(execution).toMatchObject({ outcome: "rolled_back", escalated: true });
    expect(count("FallbackChosen")).toBe(1);
    expect(world.simulation.cluster.effects.count({ manager: "gitmend", namespace })).toBe(4);
    expect(world.simulation.cluster.deployment(namespace, "api").wanted).toBe(2);
  });
});

it("is tried at every point that there is", () => {
  expect(missing).toEqual([]);
});
