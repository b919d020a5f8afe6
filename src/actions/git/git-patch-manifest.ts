// git_patch_manifest: changes values of an object's manifest in the repository that it comes from, on a branch of its own, and waits
// until people have merged it. The merge is the approval: nothing is changed in the cluster by gitmend.
import { type ObjectRef, objectText } from "../../domain/facts/objects.ts";
import { isObject, type JsonObject } from "../../domain/json.ts";
import { editFolder } from "../../domain/planning/edit-folder.ts";
import type { FieldValues } from "../../domain/planning/edit-manifest.ts";
import type { FieldValue } from "../../domain/planning/edit-value.ts";
import type { BranchEffect } from "../../domain/planning/effect.ts";
import { filesNamed } from "../../domain/planning/kustomize-layers.ts";
import { lineEdit } from "../../domain/planning/line-edit.ts";
import { Problem } from "../../domain/problem.ts";
import type { ActionContext, ActionInput, ActionTools, ChangeAction } from "../action.ts";
import {
  durationParameter,
  named,
  nameParameter,
  namespaceParameter,
  objectSchema,
  outputSchema,
  reasonParameter,
  type Situation,
  secondsOf,
  textOf,
} from "../parameters.ts";
import { branchOf, folderOf, merged } from "./propose-branch.ts";

/** What grants rights or holds secrets is not changed by a robot, in Git neither. */
const kinds = {
  ConfigMap: "v1",
  CronJob: "batch/v1",
  DaemonSet: "apps/v1",
  Deployment: "apps/v1",
  HorizontalPodAutoscaler: "autoscaling/v2",
  PersistentVolumeClaim: "v1",
  PodDisruptionBudget: "policy/v1",
  Service: "v1",
  StatefulSet: "apps/v1",
} as const;
type Kind = keyof typeof kinds;

const defaultWait = "1h";

export const gitPatchManifest: ChangeAction = {
  name: "git_patch_manifest",
  aliases: [],
  type: "custom",
  summary:
    "Changes values of a manifest in its Git repository, on a branch that people merge, and waits for the merge.",
  risk: "medium",
  changes: true,
  idempotent: true,
  input: objectSchema(
    {
      repository: {
        type: "string",
        minLength: 1,
        maxLength: 1000,
        description:
          "Address of the repository; one of `sources` of gitmend.yaml. `{{ target.manager.source.url }}`.",
      },
      branch: {
        type: ["string", "null"],
        pattern: "^(?![-/])[\\w./@+-]+$",
        description: "Branch that is applied. Default: the repository's own.",
      },
      path: { type: "string", maxLength: 1000, default: "", description: "Folder of the manifests." },
      namespace: namespaceParameter,
      kind: { enum: Object.keys(kinds), description: "Kind of the object. Default: the target's." },
      name: nameParameter("object", "the target"),
      fields: {
        type: "object",
        minProperties: 1,
        maxProperties: 20,
        additionalProperties: { type: ["string", "number", "boolean"] },
        description:
          "Values by path: `/spec/template/spec/containers[name=app]/image`. Only what is written is changed: in the manifest, in the kustomization that sets it, or in the value file that `sources` of gitmend.yaml maps.",
      },
      wait_timeout: durationParameter(defaultWait, "How long people have to merge it."),
      reason: reasonParameter,
    },
    ["repository", "fields"],
  ),
  parameterAliases: {},
  identity: ["repository", "branch", "path", "namespace", "kind", "name"],
  text: ["reason"],
  output: outputSchema({
    repository: { type: "string" },
    branch: { type: "string", description: "What people merged." },
    files: { type: "array", items: { type: "string" }, description: "Files that it changed." },
  }),
  rbac: [],
  undo: { how: "nothing", why: "what is merged is reverted in Git, by people" },
  timeoutSeconds: 30,
  waitParameter: "wait_timeout",
  objects: (input, situation) => [objectRef(input, situation)],
  preview: (input) =>
    `ask for ${Object.keys(fieldsOf(input)).join(", ")} of ${named(input, "name")} to be changed in Git`,
  prepare,
  settle: async (input, effect, context, tools): Promise<JsonObject> => {
    if (effect.kind !== "branch") throw new Problem("INTERNAL", "its effect is a branch");
    await merged(effect, secondsOf(input, "wait_timeout", defaultWait), context, tools);
    const { repository, branch, edits } = effect;
    return { repository, branch, files: edits.map(({ path }) => path) };
  },
};

async function prepare(
  input: ActionInput,
  context: ActionContext,
  tools: ActionTools,
): Promise<BranchEffect> {
  const object = objectRef(input, context);
  const fields = fieldsOf(input);
  const path = folderOf(textOf(input, "path") ?? "");
  const { repository, branch, commit, files, values } = await tools.sources.read({
    repository: textOf(input, "repository") ?? "",
    branch: textOf(input, "branch"),
    path,
    namespace: object.namespace,
    also: (read) => filesNamed(read, path),
  });
  const edited = editFolder({ path, files, values }, object, fields);
  if (edited.length === 0)
    throw new Problem(
      "MANIFEST_NOT_EDITABLE",
      `${objectText(object)} is written so in ${repository} already`,
    );
  const texts = new Map(files.map((file) => [file.path, file.text]));
  return {
    kind: "branch",
    object,
    repository,
    branch: branchOf(context),
    base: branch,
    baseCommit: commit,
    edits: edited.map((file) => lineEdit(file.path, texts.get(file.path) ?? "", file.text)),
    title: `fix: ${objectText(object)}`.slice(0, 72),
    reason: textOf(input, "reason") ?? "",
    at: tools.now(),
  };
}

/** @throws Problem PARAMETER_INVALID */
function objectRef(input: ActionInput, { cluster, target }: Situation): ObjectRef {
  const kind = textOf(input, "kind") ?? target?.kind ?? null;
  const namespace = textOf(input, "namespace") ?? target?.namespace ?? null;
  const isTarget = target !== null && target.kind === kind && target.namespace === namespace;
  const name = textOf(input, "name") ?? (isTarget ? target.name : null);
  if (kind === null || !Object.hasOwn(kinds, kind) || namespace === null || name === null)
    throw new Problem(
      "PARAMETER_INVALID",
      `say which object: git_patch_manifest may change ${Object.keys(kinds).join(", ")} of a namespace`,
    );
  return { cluster, apiVersion: kinds[kind as Kind], kind, namespace, name };
}

function fieldsOf({ fields }: ActionInput): FieldValues {
  const pairs = Object.entries(isObject(fields) ? fields : {}).filter((pair): pair is [string, FieldValue] =>
    ["string", "number", "boolean"].includes(typeof pair[1]),
  );
  return Object.fromEntries(pairs);
}
