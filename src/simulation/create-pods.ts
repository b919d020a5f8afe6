// How controllers make pods: through admission, like everybody. What it refuses they tell as an Event of the owner, and try again
// with the next change in the cluster.
import { timestamp } from "./clock.ts";
import type { ApiObject, KubernetesEvent, Pod } from "./objects.ts";
import { admitPod } from "./pod-admission.ts";
import { StatusError } from "./status-error.ts";
import { newMetadata, type World } from "./world.ts";

/** @returns why not all of them were made; null: all were */
export function createPods(world: World, owner: ApiObject, count: number, make: () => Pod): string | null {
  try {
    for (let made = 0; made < count; made += 1) world.store.put(admitPod(world, make()));
    return null;
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    noteFailedCreate(world, owner, error.message);
    return error.message;
  }
}

/** Two tries are refused alike: each names another pod that was never made. */
export function sameRefusal(one: string, other: string): boolean {
  const why = (text: string) => text.slice(text.indexOf(" is forbidden: "));
  return why(one) === why(other);
}

function noteFailedCreate(world: World, owner: ApiObject, refusal: string): void {
  const { name, namespace = "", uid } = owner.metadata;
  const message = `Error creating: ${refusal}`;
  const events = world.store.list("events", namespace) as KubernetesEvent[];
  const known = events.some(
    (event) => event.involvedObject?.uid === uid && sameRefusal(event.message, message),
  );
  if (known) return;
  const at = timestamp(world.now());
  const number = events.filter((event) => event.involvedObject?.uid === uid).length;
  const event: KubernetesEvent = {
    apiVersion: "v1",
    kind: "Event",
    metadata: newMetadata(world, { name: `${name}.${number.toString(16).padStart(16, "0")}`, namespace }),
    involvedObject: { apiVersion: owner.apiVersion, kind: owner.kind, namespace, name, uid },
    type: "Warning",
    reason: "FailedCreate",
    message,
    count: 1,
    firstTimestamp: at,
    lastTimestamp: at,
    source: { component: `${owner.kind.toLowerCase()}-controller` },
  };
  world.store.put(event);
}
