// The API server misbehaves on the one changing call. Whatever it answers, the change is made once and the execution ends rightly.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { FaultKind } from "../../src/simulation/faults.ts";
import type { ControllerProcess } from "../support/controller-process.ts";
import { eventually } from "../support/eventually.ts";
import {
  deployAndBreak,
  type ExecutionView,
  openShippedSite,
  policy,
  rollback,
  type Site,
  startWorld,
  type World,
} from "./world.ts";

const faults: Readonly<Record<string, FaultKind>> = {
  conflict: { kind: "status", code: 409 },
  throttled: { kind: "status", code: 429, retryAfterSeconds: 1 },
  "error-before": { kind: "status", code: 500 },
  "error-after": { kind: "status", code: 500, when: "after" },
  "reset-before": { kind: "reset" },
  "reset-after": { kind: "reset", when: "after" },
  "gateway-timeout-after": { kind: "status", code: 504, when: "after" },
};
const names = Object.keys(faults);

let world: World;
let site: Site;
let controller: ControllerProcess;
beforeAll(async () => {
  world = await startWorld([...names, "forbidden"]);
  const files = { "templates/roll-back.yaml": rollback, "policies/tests.yaml": policy("roll-back") };
  site = await openShippedSite(world, "faults", files, [...names, "forbidden"]);
  controller = await site.start();
});
afterAll(async () => {
  controller?.kill("SIGKILL");
  await controller?.exited;
  await world.stop();
});

async function outcomeUnder(namespace: string, fault: FaultKind, times = 1): Promise<ExecutionView> {
  await deployAndBreak(world, namespace);
  const path = new RegExp(`${namespace}/deployments/api\\?(?!.*dryRun)`);
  const placed = world.simulation.cluster.faults.add({ method: "PATCH", path, times, fault });
  await site.fireIn(controller, namespace);
  const execution = await eventually(
    `the execution in ${namespace} ends`,
    async () => {
      const { items } = (await controller.get("/api/v1/executions")) as {
        items: (ExecutionView & { target: { namespace: string } })[];
      };
      return items.find(({ outcome, target }) => target.namespace === namespace && outcome !== null);
    },
    { seconds: 60 },
  );
  expect(placed.hits()).toBeGreaterThan(0);
  return execution;
}

const changes = (namespace: string) =>
  world.simulation.cluster.effects.count({ manager: "gitmend", namespace });

describe("an API server that answers the change badly", () => {
  it.concurrent.each(names)("%s: the change is made once", async (name) => {
    const execution = await outcomeUnder(name, faults[name] ?? { kind: "reset" });
    expect(execution.outcome).toBe("succeeded");
    expect(changes(name)).toBe(1);
    expect(world.simulation.cluster.deployment(name, "api").healthy).toBe(true);
  });

  it.concurrent("forbidden for good: nothing is changed, and people are told", async () => {
    const execution = await outcomeUnder(
      "forbidden",
      { kind: "status", code: 403 },
      Number.POSITIVE_INFINITY,
    );
    expect(execution).toMatchObject({ outcome: "failed", escalated: true });
    expect(changes("forbidden")).toBe(0);
  });
});
