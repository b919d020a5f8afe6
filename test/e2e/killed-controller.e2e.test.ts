// kill -9 of a real process, then a restart: the execution ends rightly, every effect is made once. In this process a controller
// dies at every point that there is (controller/fault-points.integration.test.ts); here it loses its lease and its locks as well.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { FaultPoint } from "../../src/controller/fault-ports.ts";
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
  ["decision-after-commit", 1],
  ["step-after-start", 2],
  ["record-after-commit", 1],
] as const satisfies readonly (readonly [FaultPoint, number])[];

const finallyThree = `
finally:
  - name: leave-three
    action: {type: kubernetes, action: scale_deployment, parameters: {replicas: 3}}
`;
const first = scaleThenFail.replace("{cooldown: 1h}", "{cooldown: 1h, fallback: second}");
const helps = rollback.replace("name: roll-back", "name: second");

let world: World;
beforeAll(async () => {
  const names = [...forward.map(([point]) => point), "undo-after-effect", "fallback"];
  world = await startWorld(names.map((name) => `at-${name}`));
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
  it.each(forward)("at %s carries on after a restart and rolls back once", async (point, pass) => {
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

  it("in an undo carries on and undoes once", async () => {
    const namespace = "at-undo-after-effect";
    const { execution } = await dieAndComeBack(namespace, [scaleThenFail], "undo-after-effect:kill");
    expect(execution.outcome).toBe("rolled_back");
    // One to scale, one to scale back.
    expect(world.simulation.cluster.effects.count({ manager: "gitmend", namespace })).toBe(2);
    expect(world.simulation.cluster.deployment(namespace, "api").wanted).toBe(2);
  });

  it("in a fallback makes every change once", async () => {
    const namespace = "at-fallback";
    const templates = [first + finallyThree, helps];
    const { execution, count } = await dieAndComeBack(namespace, templates, "step-after-effect:kill:2");
    expect(execution.outcome).toBe("succeeded");
    expect(count("FallbackChosen")).toBe(1);
    // Scaled, scaled back, rolled back, left at three.
    expect(world.simulation.cluster.effects.count({ manager: "gitmend", namespace })).toBe(4);
    const { healthy, wanted } = world.simulation.cluster.deployment(namespace, "api");
    expect({ healthy, wanted }).toEqual({ healthy: true, wanted: 3 });
  });
});
