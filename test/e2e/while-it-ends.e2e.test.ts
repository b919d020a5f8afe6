// People who cancel, and alerts that resolve, while an execution is already ending: during the undo, the fallback, `finally`.
// The write of that moment is held back in the API server until what came is durable.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ControllerProcess } from "../support/controller-process.ts";
import { eventually } from "../support/eventually.ts";
import {
  changeIn,
  deliver,
  deployHealthy,
  endedIn,
  eventsOf,
  executionsIn,
  firing,
  resolved,
} from "./firings.ts";
import { openShippedSite, startWorld, type World } from "./world.ts";

const scaleTo = (replicas: number) =>
  `{type: kubernetes, action: scale_deployment, parameters: {replicas: ${replicas}}}`;
/** `settle`: while pods come up a write may meet a conflict and be repeated, and no longer be the one that is counted to. */
const files = {
  "templates/fails.yaml": `
name: fails
configuration: {cooldown: 1h, fallback: second}
steps:
  - name: scale
    action: ${scaleTo(4)}
  - name: settle
    action: {type: monitoring, action: validate_pod_health, parameters: {wait_timeout: 30s, stable_for: 1s}}
  - name: check
    action: {type: kubernetes, action: get_pod_status}
    postconditions: ["size(output) == 0"]
    retry: {attempts: 1}
`,
  "templates/second.yaml": `
name: second
configuration: {cooldown: 1h}
steps:
  - name: scale
    action: ${scaleTo(5)}
`,
  "templates/tidies.yaml": `
name: tidies
configuration: {cooldown: 1h}
steps:
  - name: scale
    action: ${scaleTo(4)}
finally:
  - name: leave-three
    action: ${scaleTo(3)}
`,
  "policies/tests.yaml": `
name: tests
rules:
  - name: fails
    on: [fails]
    event: {type: select-template, params: {template: fails}}
  - name: tidies
    on: [tidies]
    event: {type: select-template, params: {template: tidies}}
`,
};

interface Case {
  readonly alertname: "fails" | "tidies";
  /** The changes of the execution that come before the one that is held back. */
  readonly skip: number;
  readonly outcome: string;
  readonly replicas: number;
  readonly fallbacks: number;
}

const undo = { alertname: "fails", skip: 1, replicas: 2, fallbacks: 0 } as const;
const fallback = { alertname: "fails", skip: 2, fallbacks: 1 } as const;
const last = { alertname: "tidies", skip: 1, outcome: "succeeded", replicas: 3, fallbacks: 0 } as const;

const cancels: Readonly<Record<string, Case>> = {
  undo: { ...undo, outcome: "cancelled" },
  fallback: { ...fallback, outcome: "cancelled", replicas: 2 },
  finally: last,
};
const resolves: Readonly<Record<string, Case>> = {
  undo: { ...undo, outcome: "rolled_back" },
  fallback: { ...fallback, outcome: "succeeded", replicas: 5 },
  finally: last,
};
const moments = ["undo", "fallback", "finally"] as const;
const namespaces = moments.flatMap((moment) => [`cancel-${moment}`, `keep-${moment}`, `resolve-${moment}`]);

let world: World;
let controller: ControllerProcess;
beforeAll(async () => {
  world = await startWorld(namespaces);
  controller = await (await openShippedSite(world, "while-it-ends", files, namespaces)).start();
});
afterAll(async () => {
  controller?.kill("SIGKILL");
  await controller?.exited;
  await world.stop();
});

async function expectEndWhen(
  namespace: string,
  { alertname, skip, outcome, replicas, fallbacks }: Case,
  interrupt: (id: string, alert: ReturnType<typeof firing>) => Promise<string>,
): Promise<void> {
  const [pod = ""] = await deployHealthy(world, namespace);
  const write = world.simulation.cluster.faults.add({
    ...changeIn(namespace),
    skip,
    fault: { kind: "hang" },
  });
  const alert = firing(alertname, namespace, pod);
  await deliver(controller, alert);
  await write.reached;
  const [running] = await executionsIn(controller, namespace);
  if (running === undefined) throw new Error("no execution");
  const event = await interrupt(running.id, alert);
  await eventually(`${event} is durable`, async () =>
    (await eventsOf(controller, running)).some(({ type }) => type === event),
  );
  write.release();
  expect(await endedIn(controller, namespace)).toMatchObject({ id: running.id, outcome });
  expect(world.simulation.cluster.deployment(namespace, "api").wanted).toBe(replicas);
  const events = await eventsOf(controller, running);
  expect(events.filter(({ type }) => type === "FallbackChosen")).toHaveLength(fallbacks);
}

const cancelWith =
  (...options: string[]) =>
  async (id: string) => {
    const answer = await controller.cli("executions", "cancel", id, "--reason", "enough", ...options);
    expect(answer).toMatchObject({ code: 0, stderr: "" });
    return "CancelRequested";
  };

describe("a person who cancels", () => {
  it.concurrent.each(moments)("during %s: what was begun is ended, nothing else is begun", async (moment) => {
    await expectEndWhen(`cancel-${moment}`, cancels[moment]!, cancelWith());
  });

  it.concurrent("during the undo, and wants to keep what was done: the undo ends all the same", async () => {
    await expectEndWhen("keep-undo", cancels["undo"]!, cancelWith("--keep"));
  });
});

describe("an alert that resolves", () => {
  it.concurrent.each(moments)("during %s stops no change half-way", async (moment) => {
    await expectEndWhen(`resolve-${moment}`, resolves[moment]!, async (_id, alert) => {
      await deliver(controller, resolved(alert));
      return "AlertResolved";
    });
  });
});
