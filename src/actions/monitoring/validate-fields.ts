// validate_fields: waits until the target has the values that somebody else was asked to give it: after a merge it is applied by
// Flux or Argo CD, in their own time.
import { objectText } from "../../domain/facts/objects.ts";
import { isObject, type Json, type JsonObject } from "../../domain/json.ts";
import { valueAtPath } from "../../domain/planning/field-path.ts";
import { Problem } from "../../domain/problem.ts";
import type { ActionInput, ReadAction } from "../action.ts";
import { sameJson } from "../differences.ts";
import {
  durationParameter,
  objectSchema,
  outputSchema,
  reasonParameter,
  secondsOf,
  textOf,
} from "../parameters.ts";
import { waitFor } from "../wait.ts";

const defaultWait = "15m";
const shownFields = 3;

export const validateFields: ReadAction = {
  name: "validate_fields",
  aliases: [],
  type: "monitoring",
  summary: "Succeeds when the target has the values that are wanted, whoever gives them to it.",
  risk: "low",
  changes: false,
  idempotent: true,
  input: objectSchema(
    {
      fields: {
        type: "object",
        minProperties: 1,
        maxProperties: 20,
        additionalProperties: { type: ["string", "number", "boolean"] },
        description: "Values by path: `/spec/template/spec/containers[name=app]/image`.",
      },
      wait_timeout: durationParameter(defaultWait, "How long that may take; then the step fails."),
      reason: reasonParameter,
    },
    ["fields"],
  ),
  parameterAliases: {},
  identity: [],
  text: ["reason"],
  output: outputSchema({
    fields: { type: "array", items: { type: "string" }, description: "What was found as wanted." },
  }),
  rbac: [
    { apiGroup: "apps", resource: "deployments", verbs: ["get"] },
    { apiGroup: "apps", resource: "statefulsets", verbs: ["get"] },
    { apiGroup: "apps", resource: "daemonsets", verbs: ["get"] },
    { apiGroup: "autoscaling", resource: "horizontalpodautoscalers", verbs: ["get"] },
    { apiGroup: "batch", resource: "cronjobs", verbs: ["get"] },
  ],
  undo: { how: "nothing", why: "it only reads" },
  timeoutSeconds: 10,
  waitParameter: "wait_timeout",
  objects: (_input, { target }) => (target === null ? [] : [target]),
  preview: (input) =>
    `wait up to ${textOf(input, "wait_timeout") ?? defaultWait} until the target has the new ${Object.keys(fieldsOf(input)).join(", ")}`,
  run: async (input, { cluster, target }, tools): Promise<JsonObject> => {
    if (target === null)
      throw new Problem("PARAMETER_INVALID", "validate_fields needs the target of the alert");
    const fields = fieldsOf(input);
    await waitFor(tools, secondsOf(input, "wait_timeout", defaultWait), async () => {
      const object = await tools.cluster(cluster).get(target);
      if (object?.metadata.uid !== target.uid)
        throw new Problem("TARGET_GONE", `${objectText(target)} is gone or another one`);
      const other = Object.entries(fields).filter(
        ([path, wanted]) => !isSame(valueAtPath(path, object), wanted),
      );
      const shown = other.slice(0, shownFields).map(([path]) => path);
      return other.length === 0
        ? { done: true, value: null }
        : { done: false, waitingFor: `nobody has given ${objectText(target)} the new ${shown.join(", ")}` };
    });
    return { fields: Object.keys(fields) };
  },
};

function fieldsOf({ fields }: ActionInput): JsonObject {
  return isObject(fields) ? (fields as JsonObject) : {};
}

function isSame(value: unknown, wanted: Json | undefined): boolean {
  return value !== undefined && sameJson(value as Json, wanted);
}
