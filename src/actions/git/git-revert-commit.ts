// git_revert_commit: takes back the commit that broke what a folder of a repository holds, on a branch of its own, and waits until
// people have merged it. Found by the history of the folder: what was committed elsewhere, or afterwards, is not touched.
import { type ObjectRef, objectText } from "../../domain/facts/objects.ts";
import { plusSeconds, utcInstant } from "../../domain/instant.ts";
import type { JsonObject } from "../../domain/json.ts";
import { oneLine } from "../../domain/plain-text.ts";
import type { BranchEffect } from "../../domain/planning/effect.ts";
import { lineEdit } from "../../domain/planning/line-edit.ts";
import { Problem, toProblem } from "../../domain/problem.ts";
import type { ActionContext, ActionInput, ActionTools, ChangeAction } from "../action.ts";
import {
  durationParameter,
  objectSchema,
  outputSchema,
  reasonParameter,
  type Situation,
  secondsOf,
  textOf,
} from "../parameters.ts";
import { branchOf, folderOf, merged } from "./propose-branch.ts";

const defaultWait = "1h";
const defaultSince = "24h";

export const gitRevertCommit: ChangeAction = {
  name: "git_revert_commit",
  aliases: [],
  type: "custom",
  summary:
    "Takes back the commit that broke a folder of a Git repository, on a branch that people merge, and waits for the merge.",
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
      path: {
        type: "string",
        maxLength: 1000,
        default: "",
        description: "Folder or file whose history is read. `{{ target.manager.source.path }}`.",
      },
      before: {
        type: ["string", "null"],
        maxLength: 40,
        description:
          "The newest commit until then: `{{ alert.startsAt }}`. RFC 3339. Default: now, the fixes of people included.",
      },
      since: durationParameter(defaultSince, "So long before that it may have been committed."),
      wait_timeout: durationParameter(defaultWait, "How long people have to merge it."),
      reason: reasonParameter,
    },
    ["repository"],
  ),
  parameterAliases: {},
  identity: ["repository", "branch", "path"],
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
  objects: (_input, situation) => [objectOf(situation)],
  preview: (input) =>
    `ask for the last commit on ${textOf(input, "path") ?? "the repository"} to be taken back`,
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
  const object = objectOf(context);
  const given = textOf(input, "before") ?? tools.now();
  const before = utcInstant(given);
  if (before === null)
    throw new Problem("PARAMETER_INVALID", `before: "${oneLine(given, 40)}" is no RFC 3339 time`);
  const { repository, branch, commit, offending } = await offendingIn(tools, {
    repository: textOf(input, "repository") ?? "",
    branch: textOf(input, "branch"),
    path: folderOf(textOf(input, "path") ?? ""),
    namespace: object.namespace,
    since: plusSeconds(before, -secondsOf(input, "since", defaultSince)),
    before,
  });
  const { sha, subject, files } = offending;
  const reason = textOf(input, "reason") ?? "";
  return {
    kind: "branch",
    object,
    repository,
    branch: branchOf(context),
    base: branch,
    baseCommit: commit,
    edits: files.map(({ path, from, to }) => lineEdit(path, from, to)),
    title: `Revert "${oneLine(subject, 60)}"`,
    reason: [`This reverts commit ${sha}.`, `For ${objectText(object)}.`, reason].join(" ").trim(),
    at: tools.now(),
  };
}

/** A repository that nobody has allowed is no way to mend this target: others are. @throws Problem PRECONDITION_FAILED */
async function offendingIn(tools: ActionTools, folder: Parameters<ActionTools["sources"]["offending"]>[0]) {
  return tools.sources.offending(folder).catch((error: unknown) => {
    const { code, message } = toProblem(error);
    throw code === "SOURCE_NOT_ALLOWED" ? new Problem("PRECONDITION_FAILED", message) : error;
  });
}

/** Whose manifests are in the folder. @throws Problem PARAMETER_INVALID */
function objectOf({ target }: Situation): ObjectRef {
  if (target === null)
    throw new Problem("PARAMETER_INVALID", "git_revert_commit needs the target of the alert");
  const { cluster, apiVersion, kind, namespace, name } = target;
  return { cluster, apiVersion, kind, namespace, name };
}
