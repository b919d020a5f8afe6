// The scale subresource of Deployments and ReplicaSets.
import { type ApiObject, type Deployment, isMap, type JsonMap, type ReplicaSet } from "./objects.ts";
import { badRequest } from "./status-error.ts";

export function readScale(object: ApiObject): JsonMap {
  const { metadata, spec, status } = object as Deployment | ReplicaSet;
  const { name, namespace = "", uid, resourceVersion, creationTimestamp } = metadata;
  const selector = Object.entries(spec.selector.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`);
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas: spec.replicas },
    status: { replicas: status.replicas ?? 0, selector: selector.join(",") },
  };
}

/** The object with the number of replicas that the written Scale asks for. @throws StatusError 400 */
export function writeScale(object: ApiObject, scale: JsonMap): ApiObject {
  const replicas = isMap(scale.spec) ? (scale.spec.replicas ?? 0) : 0;
  if (typeof replicas !== "number") throw badRequest("spec.replicas is no number");
  const workload = object as Deployment;
  return { ...workload, spec: { ...workload.spec, replicas } } as ApiObject;
}
