// get_pod_status: what state a pod is in. A pod that is gone is an answer, not a failure: pods come and go.
import type { JsonObject } from "../../domain/json.ts";
import type { ActionContext, ActionInput, ActionTools, ReadAction } from "../action.ts";
import { choosePod, podOrTarget, withPod } from "../choose-pod.ts";
import {
  named,
  nameParameter,
  namespaceParameter,
  objectSchema,
  outputSchema,
  reasonParameter,
  textOf,
} from "../parameters.ts";
import { type PodState, podState } from "../pods.ts";

const nothing = { type: ["string", "null"] };

export const getPodStatus: ReadAction = {
  name: "get_pod_status",
  aliases: [],
  type: "kubernetes",
  summary: "Reads phase, readiness, restarts, waiting reason and owner of a pod.",
  risk: "low",
  changes: false,
  idempotent: true,
  input: objectSchema({
    namespace: namespaceParameter,
    pod: nameParameter("pod", "the target, or the pod of the target that most needs a look"),
    reason: reasonParameter,
  }),
  parameterAliases: { name: "pod" },
  identity: ["namespace", "pod"],
  text: ["reason"],
  output: outputSchema({
    exists: { type: "boolean", description: "false when the pod is gone; the other fields are then empty." },
    namespace: { type: "string" },
    pod: { type: "string" },
    phase: { type: "string", description: "As Kubernetes says; empty when the pod is gone." },
    ready: { type: "boolean" },
    restarts: { type: "integer", description: "Of all containers." },
    waiting_reason: { ...nothing, description: "Such as CrashLoopBackOff or ImagePullBackOff." },
    last_exit_code: { type: ["integer", "null"], description: "Of the first container that has ended." },
    last_exit_reason: { ...nothing, description: "Such as OOMKilled." },
    owner_kind: { ...nothing, description: "Of the pod's controller; null for a bare pod." },
    owner_name: nothing,
    node: nothing,
  }),
  rbac: [
    { apiGroup: "", resource: "pods", verbs: ["get", "list"] },
    { apiGroup: "apps", resource: "deployments", verbs: ["get"] },
    { apiGroup: "apps", resource: "replicasets", verbs: ["get", "list"] },
    { apiGroup: "apps", resource: "statefulsets", verbs: ["get"] },
    { apiGroup: "apps", resource: "daemonsets", verbs: ["get"] },
    { apiGroup: "batch", resource: "jobs", verbs: ["get"] },
  ],
  undo: { how: "nothing", why: "it only reads" },
  timeoutSeconds: 30,
  waitParameter: null,
  objects: podOrTarget,
  preview: (input) => `read the status of pod ${named(input, "pod")}`,
  resolve: withPod,
  run,
};

async function run(input: ActionInput, context: ActionContext, tools: ActionTools): Promise<JsonObject> {
  const ref = await choosePod(input, context, tools);
  const namespace = ref?.namespace ?? textOf(input, "namespace") ?? context.target?.namespace ?? "";
  const pod = ref === null ? null : await tools.cluster(context.cluster).get(ref);
  const named = { exists: pod !== null, namespace, pod: ref?.name ?? "" };
  return { ...named, ...(pod === null ? noState : stateOutput(podState(pod))) };
}

const noState: JsonObject = {
  phase: "",
  ready: false,
  restarts: 0,
  waiting_reason: null,
  last_exit_code: null,
  last_exit_reason: null,
  owner_kind: null,
  owner_name: null,
  node: null,
};

function stateOutput(state: PodState): JsonObject {
  return {
    phase: state.phase,
    ready: state.ready,
    restarts: state.restarts,
    waiting_reason: state.waitingReason,
    last_exit_code: state.lastTermination?.exitCode ?? null,
    last_exit_reason: state.lastTermination?.reason ?? null,
    owner_kind: state.owner?.kind ?? null,
    owner_name: state.owner?.name ?? null,
    node: state.node,
  };
}
