// rollback_helm_release: has Helm itself go back to an earlier revision of a release, in a Job with an image that has Helm. Which
// revision that is stands in the plan; a release that has moved on since is left alone, and so is what Flux keeps.
import type { ObjectRef } from "../../domain/facts/objects.ts";
import type { JsonObject } from "../../domain/json.ts";
import type { Effect } from "../../domain/planning/effect.ts";
import { Problem } from "../../domain/problem.ts";
import type { ActionContext, ActionInput, ActionTools, ChangeAction } from "../action.ts";
import { jobSpec } from "../engines/job-spec.ts";
import { labelsOf, namespaceOf, newRun, plannedRun, timeoutParameter } from "../engines/new-run.ts";
import { runJob } from "../engines/run-job.ts";
import {
  nameParameter,
  namespaceParameter,
  objectSchema,
  outputSchema,
  reasonParameter,
  type Situation,
  secondsOf,
  textOf,
} from "../parameters.ts";
import { chartOf, fluxOwner, type HelmRevision, makes, readRevisions, unpack } from "./helm-storage.ts";

const engine = { apiVersion: "batch/v1", kind: "Job" } as const;
const quantity = { type: "string", pattern: "^[0-9]+(\\.[0-9]+)?(m|[kMGT]i?|Ki)?$", maxLength: 20 };
const number = { type: "integer", minimum: 1 };

export const rollbackHelmRelease: ChangeAction = {
  name: "rollback_helm_release",
  aliases: ["HelmRollback"],
  type: "kubernetes",
  summary: "Has Helm roll a release back, in a Job, and waits for its end. Not for releases that Flux keeps.",
  risk: "high",
  changes: true,
  idempotent: true,
  input: objectSchema(
    {
      namespace: {
        ...namespaceParameter,
        description: "The release's namespace, where the Job runs. Default: the target's.",
      },
      release: { ...nameParameter("release", "none"), maxLength: 53 },
      revision: {
        oneOf: [number, { enum: ["last-good"] }],
        default: "last-good",
        description: "Which one. last-good: the newest before the present one that was once deployed.",
      },
      from: {
        ...number,
        description: "The present revision, filled in when the plan is made: another one refuses.",
      },
      chart: {
        type: "string",
        maxLength: 200,
        description: "The revision's chart, filled in when the plan is made.",
      },
      image: {
        type: "string",
        minLength: 1,
        maxLength: 500,
        pattern: "^[^\\s{}]+$",
        description: "An image that has helm 3 in its path, best with its digest.",
      },
      service_account: nameParameter("service account that may write all that the release has", "none"),
      run_as_user: {
        type: "integer",
        minimum: 1,
        maximum: 4_294_967_295,
        default: 65_534,
        description: "User id: images with Helm mostly run as root.",
      },
      cpu: { ...quantity, default: "200m", description: "Limit and request of CPU." },
      memory: { ...quantity, default: "256Mi", description: "Limit and request of memory." },
      timeout: timeoutParameter,
      reason: reasonParameter,
    },
    ["release", "image", "service_account"],
  ),
  parameterAliases: { name: "release", release_name: "release" },
  identity: ["namespace", "release", "revision", "image", "service_account"],
  text: ["reason"],
  output: outputSchema({
    namespace: { type: "string" },
    release: { type: "string" },
    rolled_back_to: { type: "integer", description: "The revision whose content is deployed again." },
    revision: { type: "integer", description: "The revision that Helm made of it." },
    job: { type: "string" },
    evidence: { type: ["string", "null"], description: "Name under which Helm's words are kept." },
  }),
  rbac: [
    ...runJob.rbac,
    { apiGroup: "", resource: "secrets", verbs: ["list"] },
    { apiGroup: "helm.toolkit.fluxcd.io", resource: "helmreleases", verbs: ["list"] },
  ],
  undo: { how: "stop", why: "what Helm has done stays: roll forward with Helm" },
  timeoutSeconds: 630,
  waitParameter: "timeout",
  objects: (input, situation) => [planned(input, situation)],
  preview: (input) => {
    const to = typeof input.revision === "number" ? `revision ${input.revision}` : "its last good revision";
    const chart = textOf(input, "chart");
    const from = typeof input.from === "number" ? ` from revision ${input.from}` : "";
    return `roll Helm release ${releaseText(input)} back${from} to ${to}${chart === null ? "" : ` (${chart})`}`;
  },
  resolve: async (input, context, tools) => {
    const namespace = namespaceOf(input, context);
    const { from, to } = await choose({ ...input, namespace }, context, tools);
    return { ...input, namespace, revision: to.revision, from: from.revision, chart: chartOf(unpack(to)) };
  },
  prepare: async (input, context, tools) => {
    const { to } = await choose(input, context, tools);
    const spec = jobSpec(jobOf(input, to.revision), labelsOf(context), context.effectKey);
    return newRun(planned(input, context), spec, context, tools);
  },
  settle,
};

function releaseText(input: ActionInput): string {
  return [textOf(input, "namespace"), textOf(input, "release")].filter((part) => part !== null).join("/");
}

/** Two rollbacks of one release are the same work. */
function planned(input: ActionInput, situation: Situation): ObjectRef {
  return plannedRun(engine, { helm: input.release ?? null }, input, situation);
}

/** Helm wants to write below its home. */
function jobOf(input: ActionInput, revision: number): ActionInput {
  const { image, service_account, run_as_user = 65_534, cpu = "200m", memory = "256Mi" } = input;
  const seconds = secondsOf(input, "timeout", "10m");
  const place = ["--namespace", textOf(input, "namespace") ?? ""];
  const command = ["helm", "rollback", textOf(input, "release") ?? "", String(revision), ...place];
  return {
    image: image ?? null,
    service_account: service_account ?? null,
    run_as_user,
    cpu,
    memory,
    command: [...command, "--wait", "--timeout", `${seconds}s`],
    env: { HOME: "/tmp" },
    timeout: `${seconds}s`,
  };
}

interface Choice {
  readonly from: HelmRevision;
  readonly to: HelmRevision;
}

/** @throws Problem PRECONDITION_FAILED, NOTHING_TO_ROLL_BACK, API_* */
async function choose(
  input: ActionInput,
  context: Pick<ActionContext, "cluster" | "target">,
  tools: ActionTools,
): Promise<Choice> {
  const place = {
    cluster: context.cluster,
    namespace: namespaceOf(input, context),
    release: textOf(input, "release") ?? "",
  };
  const text = `Helm release ${place.namespace}/${place.release}`;
  const refused = (why: string) => new Problem("PRECONDITION_FAILED", why);
  const owner = await fluxOwner(place, tools);
  if (owner !== null)
    throw refused(
      `Flux HelmRelease ${owner} keeps ${text} and would undo this: change it in Git, or have it tried again by reconcile_flux`,
    );
  const revisions = await readRevisions(place, tools);
  const from = revisions.at(-1);
  if (from === undefined) throw new Problem("TARGET_GONE", `there is no ${text}`);
  if (from.status.startsWith("pending") || from.status === "uninstalling")
    throw new Problem("PRECONDITION_FAILED", `${text} is ${from.status}: Helm works on it`, {
      retryable: true,
    });
  if (typeof input.from === "number" && input.from !== from.revision)
    throw refused(
      `${text} is at revision ${from.revision} by now, and was at ${input.from} when this was planned`,
    );
  const { target } = context;
  if (
    target !== null &&
    !revisions.some((one) => one === from && makes(unpack(one), place.namespace, target))
  )
    throw refused(
      `${text} has not made ${target.kind} ${target.namespace ?? ""}/${target.name}: whoever says so is wrong`,
    );
  const to = revisionOf(input, revisions, from, text);
  const chart = textOf(input, "chart");
  if (chart !== null && chart !== chartOf(unpack(to)))
    throw refused(`revision ${to.revision} of ${text} is ${chartOf(unpack(to))} by now, and was ${chart}`);
  return { from, to };
}

function revisionOf(
  { revision }: ActionInput,
  all: readonly HelmRevision[],
  from: HelmRevision,
  text: string,
): HelmRevision {
  const earlier = all.filter((one) => one.revision < from.revision);
  const wasGood = ({ status }: HelmRevision) => status === "superseded" || status === "deployed";
  const to =
    typeof revision === "number"
      ? earlier.find((one) => one.revision === revision)
      : earlier.findLast(wasGood);
  if (to !== undefined) return to;
  throw new Problem(
    "NOTHING_TO_ROLL_BACK",
    typeof revision === "number"
      ? `${text} has no revision ${revision} before its present one, ${from.revision}`
      : `${text} has no good revision before its present one, ${from.revision}`,
  );
}

async function settle(
  input: ActionInput,
  effect: Effect,
  context: ActionContext,
  tools: ActionTools,
): Promise<JsonObject> {
  const { job, evidence, namespace } = await runJob.settle(input, effect, context, tools);
  const release = textOf(input, "release") ?? "";
  const place = { cluster: context.cluster, namespace: namespaceOf(input, context), release };
  const now = (await readRevisions(place, tools)).at(-1);
  if (now?.status !== "deployed")
    throw new Problem(
      "NOT_HEALTHY",
      `Helm release ${releaseText(input)} is ${now?.status ?? "gone"} after its rollback`,
    );
  const rolledBackTo = typeof input.revision === "number" ? input.revision : now.revision;
  return {
    namespace: namespace ?? null,
    release,
    rolled_back_to: rolledBackTo,
    revision: now.revision,
    job: job ?? null,
    evidence: evidence ?? null,
  };
}
