// Alerts of any name for any pod, delivered as Alertmanager does, and what became of them, by namespace: so that many cases
// share one controller.
import { randomUUID } from "node:crypto";
import type { ExecutionEvent } from "../../src/domain/execution/events.ts";
import type { ControllerProcess } from "../support/controller-process.ts";
import { eventually } from "../support/eventually.ts";
import type { ExecutionView, World } from "./world.ts";

export interface AlertPayload {
  readonly status: "firing" | "resolved";
  readonly labels: Readonly<Record<string, string>>;
  readonly startsAt: string;
  readonly endsAt: string;
  readonly fingerprint: string;
  readonly annotations: Readonly<Record<string, string>>;
}

export function firing(alertname: string, namespace: string, pod: string): AlertPayload {
  return {
    status: "firing",
    labels: { alertname, namespace, pod, container: "app", severity: "warning" },
    annotations: {},
    startsAt: new Date().toISOString(),
    endsAt: "0001-01-01T00:00:00Z",
    fingerprint: randomUUID().replaceAll("-", "").slice(0, 16),
  };
}

export const resolved = (alert: AlertPayload): AlertPayload => ({
  ...alert,
  status: "resolved",
  endsAt: new Date().toISOString(),
});

export async function deliver(
  controller: ControllerProcess,
  ...alerts: readonly AlertPayload[]
): Promise<void> {
  const answer = await fetch(`${controller.url}/webhooks/alertmanager`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ version: "4", alerts }),
  });
  if (answer.status !== 202) throw new Error(`the webhook answered ${answer.status}: ${await answer.text()}`);
}

export type View = ExecutionView & { readonly target: { readonly namespace: string | null } | null };

export async function executionsIn(
  controller: ControllerProcess,
  namespace: string,
): Promise<readonly View[]> {
  const { items } = (await controller.get("/api/v1/executions")) as { items: View[] };
  return items.filter(({ target }) => target?.namespace === namespace);
}

export async function endedIn(controller: ControllerProcess, namespace: string, seconds = 40): Promise<View> {
  const look = async () =>
    (await executionsIn(controller, namespace)).find(({ outcome }) => outcome !== null);
  return eventually(`the execution in ${namespace} ends`, look, { seconds });
}

export async function eventsOf(
  controller: ControllerProcess,
  { id }: Pick<View, "id">,
): Promise<readonly ExecutionEvent[]> {
  const { items } = (await controller.get(`/api/v1/executions/${id}/events`)) as {
    items: { event: ExecutionEvent }[];
  };
  return items.map(({ event }) => event);
}

/** What a healthy Deployment `api` has: its pods, for alerts about them. */
export async function deployHealthy(
  { simulation }: World,
  namespace: string,
  replicas = 2,
  labels: Readonly<Record<string, string>> = {},
): Promise<readonly string[]> {
  const { cluster } = simulation;
  cluster.deploy({ namespace, name: "api", replicas, labels });
  await cluster.until("healthy", () => cluster.deployment(namespace, "api").healthy, 20);
  return cluster.pods(namespace).map(({ metadata }) => metadata.name);
}

/** As a person with kubectl: the Deployment `api` with other contents. */
export function editDeployment(
  { simulation }: World,
  namespace: string,
  edit: (spec: Record<string, unknown>, metadata: Record<string, unknown>) => void,
): void {
  const { cluster } = simulation;
  const object = structuredClone(cluster.get("deployments", namespace, "api")) as unknown as {
    spec: Record<string, unknown>;
    metadata: Record<string, unknown>;
  };
  edit(object.spec, object.metadata);
  cluster.apply(object as never);
}

/** The one changing call of a step, dry-runs left out. */
export const changeIn = (namespace: string) => ({
  method: "PATCH",
  path: new RegExp(`${namespace}/deployments/api\\?(?!.*dryRun)`),
});
