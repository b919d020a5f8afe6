// An action that the config repository defines, as data: a Job or a request, how to find out whether it happened, and the way back.
// It goes into every plan that uses it, whole: what was approved is what runs, whatever becomes of its file.
import { durationSeconds } from "../duration.ts";
import type { Json, JsonObject } from "../json.ts";
import type { Request } from "./action.generated.ts";
import type { ActionDescription, ActionUndo, RbacRule, Risk } from "./action-description.ts";

/** Strings may hold `{{ params.… }}` and `{{ effect.key }}`. */
export interface RequestTemplate {
  readonly endpoint: string;
  readonly method: Request["method"];
  /** Between the slashes. */
  readonly path: readonly string[];
  readonly query: Readonly<Record<string, Json>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Json;
}

export type CustomBody =
  /** Parameters of run_job. */
  { readonly job: JsonObject } | { readonly request: RequestTemplate };

export interface ObjectTemplate {
  readonly apiVersion: string;
  readonly kind: string;
  readonly resource: string;
  readonly namespace: string | null;
  readonly name: string;
}

export type CustomProbe = { readonly expect: string } & (
  | { readonly request: RequestTemplate }
  | { readonly object: ObjectTemplate }
);

export interface CustomAction {
  readonly name: string;
  readonly description: string;
  readonly risk: Risk;
  readonly parameters: Readonly<Record<string, JsonObject>>;
  readonly text: readonly string[];
  readonly body: CustomBody;
  readonly probe: CustomProbe | null;
  readonly undo: CustomBody | { readonly nothing: string };
  readonly timeoutSeconds: number;
  /** sha256 of the RFC 8785 text of its file. */
  readonly hash: string;
}

/** `<name>/undo`: templates cannot name it, so that it runs as the way back and never by itself. */
export function undoName(name: string): string {
  return `${name}/undo`;
}

/** The action, and its way back where that is a body of its own. `job`: of run_job. */
export function describeCustom(custom: CustomAction, job: ActionDescription): readonly ActionDescription[] {
  const { body, undo, probe, timeoutSeconds } = custom;
  const own = { ...describeBody(custom, body, job, timeoutSeconds), undo: undoOf(custom) };
  const description = { ...own, rbac: [...own.rbac, ...probeRbac(probe)] };
  if ("nothing" in undo) return [description];
  const why = "it is itself the way back";
  const back = describeBody({ ...custom, probe: null }, undo, job, timeoutSeconds);
  return [description, { ...back, name: undoName(custom.name), undo: { how: "nothing", why } }];
}

function describeBody(
  custom: CustomAction,
  body: CustomBody,
  job: ActionDescription,
  requestSeconds: number,
): Omit<ActionDescription, "undo"> {
  const { name, description, risk, parameters, text, probe } = custom;
  const common = {
    name,
    aliases: [],
    type: "custom" as const,
    summary: description,
    risk,
    input: inputSchema(parameters),
    parameterAliases: {},
    identity: Object.keys(parameters).filter((one) => !text.includes(one) && isFree(parameters[one] ?? {})),
    text,
    waitParameter: null,
  };
  if ("job" in body) {
    const { timeout } = body.job;
    const seconds = typeof timeout === "string" ? durationSeconds(timeout) + 30 : job.timeoutSeconds;
    const { idempotent, changes, output, rbac } = job;
    return { ...common, idempotent, changes, output, rbac, timeoutSeconds: seconds };
  }
  const { method } = body.request;
  return {
    ...common,
    changes: method !== "GET",
    idempotent: probe !== null || (method !== "POST" && method !== "PATCH"),
    output: answerSchema,
    rbac: [],
    timeoutSeconds: requestSeconds,
  };
}

function undoOf({ name, body, undo }: CustomAction): ActionUndo {
  if (!("nothing" in undo)) return { how: "action", action: undoName(name) };
  return "job" in body ? { how: "stop", why: undo.nothing } : { how: "nothing", why: undo.nothing };
}

function probeRbac(probe: CustomProbe | null): readonly RbacRule[] {
  if (probe === null || !("object" in probe)) return [];
  const { apiVersion, resource } = probe.object;
  const [group = ""] = apiVersion.includes("/") ? apiVersion.split("/") : [];
  return [{ apiGroup: group, resource, verbs: ["get"] }];
}

function inputSchema(parameters: CustomAction["parameters"]): JsonObject {
  const required = Object.keys(parameters).filter((name) => parameters[name]?.["default"] === undefined);
  return {
    type: "object",
    additionalProperties: false,
    properties: {
      ...parameters,
      reason: { type: "string", description: "Why, for people. Goes into the record and nowhere else." },
    },
    ...(required.length === 0 ? {} : { required }),
  };
}

/** Whatever may be any text chooses what is touched. */
function isFree(schema: JsonObject): boolean {
  return (
    schema["enum"] === undefined &&
    schema["type"] !== "integer" &&
    schema["type"] !== "number" &&
    schema["type"] !== "boolean"
  );
}

const answerSchema: JsonObject = {
  type: "object",
  additionalProperties: false,
  required: ["answer", "evidence"],
  properties: {
    answer: { description: "What the system answered, as data; null: nothing, or too much to show." },
    evidence: { type: ["string", "null"], description: "Name under which a long answer is kept." },
  },
};
