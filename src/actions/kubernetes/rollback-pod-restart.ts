// rollback_pod_restart: the way back of restart_pod, as far as there is one. A deleted pod can't come back; what can be
// done is to see that its controller has made up for it, and to say so.
import type { JsonObject } from "../../domain/json.ts";
import type { ActionContext, ActionInput, ActionTools, ReadAction } from "../action.ts";
import { podOrTarget, withPod } from "../choose-pod.ts";
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
} from "../parameters.ts";
import { findReplacement } from "../replacement.ts";
import { type Look, waitFor } from "../wait.ts";
import { getPodStatus } from "./get-pod-status.ts";

export const rollbackPodRestart: ReadAction = {
  name: "rollback_pod_restart",
  aliases: [],
  type: "kubernetes",
  summary:
    "Checks that the controller has replaced a deleted pod, and says that the pod itself can't come back.",
  risk: "low",
  changes: false,
  idempotent: true,
  input: objectSchema({
    namespace: namespaceParameter,
    pod: nameParameter("pod", "the target, or the pod of the target that most needs a look"),
    wait_timeout: durationParameter("30s", "How long the controller may take to make the new pod."),
    reason: reasonParameter,
  }),
  parameterAliases: { name: "pod" },
  identity: ["namespace", "pod"],
  text: ["reason"],
  output: outputSchema({
    namespace: { type: "string" },
    pod: { type: "string" },
    replacement: { type: ["string", "null"], description: "The pod that took its place, where it is known." },
    note: { type: "string", description: "What became of the pod, for people." },
  }),
  rbac: getPodStatus.rbac,
  undo: { how: "nothing", why: "it only reads" },
  timeoutSeconds: 60,
  waitParameter: "wait_timeout",
  objects: podOrTarget,
  preview: (input) => `check that the controller of pod ${named(input, "pod")} has replaced it`,
  resolve: withPod,
  run,
};

async function run(input: ActionInput, context: ActionContext, tools: ActionTools): Promise<JsonObject> {
  const object = podRef(input, context);
  const seconds = secondsOf(input, "wait_timeout", "30s");
  const look = async (): Promise<Look<JsonObject>> => {
    const seen = await findReplacement({ object, uid: null }, context, tools);
    return seen.done ? { done: true, value: outcome(object.name, seen.value) } : seen;
  };
  return { namespace: object.namespace ?? "", pod: object.name, ...(await waitFor(tools, seconds, look)) };
}

function outcome(pod: string, replacement: string | null): JsonObject {
  if (replacement === pod)
    return { replacement, note: `a pod named ${pod} is there: nothing has to be taken back` };
  const successor =
    replacement === null ? "which one took its place is not known" : `${replacement} took its place`;
  return { replacement, note: `a deleted pod can't come back; ${successor}` };
}
