// kill -9 at every named point of an execution, then a restart: the execution ends rightly, every effect is made once.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { FaultPoint } from "../../src/controller/ports.ts";
import { eventually } from "../support/eventually.ts";
import { deployAndBreak, ended, openSite, rollback, scaleThenFail, startWorld, type World } from "./world.ts";

/** Every FaultPoint stands in exactly one of these two lists: the compiler checks the first, the last test the second. */
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

const cases = forward.map((point) => [point, passOf(point)] as const);

/** Steps: the second is the one that changes something. Pushes: the first is made at the start, whatever there is. */
function passOf(point: FaultPoint): number {
  return point === "record-after-push" || (point.startsWith("step-") && point !== "step-after-effect")
    ? 2
    : 1;
}

let world: World;
beforeAll(async () => {
  world = await startWorld([...forward, ...backward, "nobody-dies"].map((point) => `at-${point}`));
});
afterAll(() => world.stop());

async function dieAndComeBack(namespace: string, template: string, fault: string) {
  await deployAndBreak(world, namespace);
  const site = await openSite(world, namespace, template);
  const first = await site.start({ GITMEND_FAULT: fault });
  await site.fire(first).catch((error: unknown) => {
    throw new Error(first.log(), { cause: error });
  });
  await first.exited;
  const second = await site.start();
  const execution = await ended(second, 25);
  await eventually("the record is published", () => site.auditLog().includes("Outcome: "));
  const { events } = (await second.get(`/api/v1/executions/${execution.id}`)) as {
    events: { seq: number }[];
  };
  const all = (await second.get("/api/v1/executions")) as { items: unknown[] };
  second.kill("SIGTERM");
  expect(await second.exited).toBe(0);
  expect(first.log()).toContain("fault point reached");
  expect(all.items).toHaveLength(1);
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  return { execution, site };
}

describe("a controller that is killed", () => {
  it.each(cases)("at %s carries on after a restart and rolls back once", async (point, pass) => {
    const namespace = `at-${point}`;
    const { execution, site } = await dieAndComeBack(namespace, rollback, `${point}:kill:${pass}`);
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
    const { execution } = await dieAndComeBack(namespace, scaleThenFail, `${point}:kill`);
    expect(execution.outcome).toBe("rolled_back");
    // One to scale, one to scale back.
    expect(world.simulation.cluster.effects.count({ manager: "gitmend", namespace })).toBe(2);
    expect(world.simulation.cluster.deployment(namespace, "api").wanted).toBe(2);
  });
});
