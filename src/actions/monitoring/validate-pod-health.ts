// validate_pod_health: proof that a remedy helped. The rollout of the target is complete and all its pods stay ready,
// without a new restart, for a while: a crash-looping pod is ready for moments too.
import { durationText } from "../../domain/duration.ts";
import type { KubernetesObject, ObjectRef } from "../../domain/facts/objects.ts";
import { secondsBetween } from "../../domain/instant.ts";
import type { JsonObject } from "../../domain/json.ts";
import { Problem } from "../../domain/problem.ts";
import type { ActionContext, ActionInput, ActionTools, ReadAction } from "../action.ts";
import { podOrTarget, workloadTarget } from "../choose-pod.ts";
import { getPodStatus } from "../kubernetes/get-pod-status.ts";
import {
  durationParameter,
  named,
  nameParameter,
  namespaceParameter,
  objectSchema,
  outputSchema,
  podRef,
  reasonParameter,
  secondsOf,
  textOf,
} from "../parameters.ts";
import { type PodState, podState, podsOf, podTrouble } from "../pods.ts";
import { rolloutOf } from "../rollout.ts";
import { type Look, waitFor } from "../wait.ts";

const shownPods = 3;

export const validatePodHealth: ReadAction = {
  name: "validate_pod_health",
  aliases: [],
  type: "monitoring",
  summary:
    "Succeeds when the rollout is complete and all pods have stayed ready for a while without a restart.",
  risk: "low",
  changes: false,
  idempotent: true,
  input: objectSchema({
    namespace: namespaceParameter,
    pod: nameParameter(
      "pod",
      "all pods of the target. A named pod that is gone, because it was restarted, counts through the pods of the target",
    ),
    wait_timeout: durationParameter(
      "5m",
      "How long health may take; then the step fails with what is wrong.",
    ),
    stable_for: durationParameter("10s", "How long the pods must stay ready without a restart."),
    reason: reasonParameter,
  }),
  parameterAliases: { name: "pod" },
  identity: ["namespace", "pod"],
  text: ["reason"],
  output: outputSchema({
    healthy: { type: "boolean", description: "true: what is not healthy fails the step." },
    namespace: { type: "string" },
    pods: { type: "array", items: { type: "string" }, description: "The pods that were judged." },
    restarts: { type: "integer", description: "Of all these pods so far; none within the window." },
  }),
  rbac: getPodStatus.rbac,
  undo: { how: "nothing", why: "it only reads" },
  timeoutSeconds: 10,
  waitParameter: "wait_timeout",
  objects: podOrTarget,
  preview: (input) =>
    `wait up to ${textOf(input, "wait_timeout") ?? "5m"} until the pods of ${named(input, "pod")} are healthy`,
  run,
};

/** What is judged in one look. */
interface Health {
  readonly pods: readonly PodState[];
  /** Empty: healthy at this moment. */
  readonly trouble: readonly string[];
}

async function run(input: ActionInput, context: ActionContext, tools: ActionTools): Promise<JsonObject> {
  const stableSeconds = secondsOf(input, "stable_for", "10s");
  const waitSeconds = secondsOf(input, "wait_timeout", "5m");
  let calm = { key: "", since: tools.now() };
  const look = async (): Promise<Look<readonly PodState[]>> => {
    const { pods, trouble } = await examine(input, context, tools);
    const key = trouble.length > 0 ? "" : calmKey(pods);
    if (key === "" || key !== calm.key) calm = { key, since: tools.now() };
    if (trouble.length > 0) return { done: false, waitingFor: trouble.join("; ") };
    if (secondsBetween(calm.since, tools.now()) >= stableSeconds) return { done: true, value: pods };
    return {
      done: false,
      waitingFor: `ready, but not yet for ${durationText(stableSeconds)} without a restart`,
    };
  };
  const pods = await waitFor(tools, waitSeconds, look);
  return {
    healthy: true,
    namespace: textOf(input, "namespace") ?? context.target?.namespace ?? "",
    pods: pods.map(({ name }) => name),
    restarts: pods.reduce((sum, { restarts }) => sum + restarts, 0),
  };
}

/** Changes with every restart and every new pod; never empty. */
function calmKey(pods: readonly PodState[]): string {
  return `calm ${pods
    .map(({ uid, restarts }) => `${uid}:${restarts}`)
    .toSorted()
    .join(" ")}`;
}

async function examine(input: ActionInput, context: ActionContext, tools: ActionTools): Promise<Health> {
  const target = workloadTarget(input, context);
  if (target === null) return examinePod(podRef(input, context), tools);
  const api = tools.cluster(context.cluster);
  const workload = await api.get(target);
  if (workload === null) throw new Problem("TARGET_GONE", `${target.kind} ${target.name} no longer exists`);
  const pods = (await podsOf(api, workload)).filter(({ terminating }) => !terminating);
  return { pods, trouble: [...rolloutTrouble(workload), ...podsTrouble(pods)] };
}

/** Without a workload there is nobody else to ask: the pod itself, under its old name when a StatefulSet made it anew. */
async function examinePod(ref: ObjectRef, tools: ActionTools): Promise<Health> {
  const pod = await tools.cluster(ref.cluster).get(ref);
  if (pod === null) return { pods: [], trouble: [`pod ${ref.name} is gone`] };
  const state = podState(pod);
  return {
    pods: [state],
    trouble: state.terminating ? [`pod ${ref.name} is terminating`] : podsTrouble([state]),
  };
}

function rolloutTrouble(workload: KubernetesObject): readonly string[] {
  const { complete, missing } = rolloutOf(workload);
  return complete ? [] : [missing];
}

function podsTrouble(pods: readonly PodState[]): readonly string[] {
  const bad = pods.filter(({ ready, phase }) => !ready && phase !== "Succeeded");
  const more = bad.length > shownPods ? [`${bad.length - shownPods} more pods`] : [];
  return [...bad.slice(0, shownPods).map(podTrouble), ...more];
}
