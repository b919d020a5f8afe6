// One file of actions/: from YAML to an action that runs as it was approved. Values reach a request by structure, names of what is
// called are fixed, and nothing that the file says widens what gitmend.yaml allows.
import { durationSeconds } from "../duration.ts";
import { checkExpression, readText } from "../expressions/check-expression.ts";
import { compileExpression } from "../expressions/compile-expression.ts";
import { splitText } from "../expressions/literals.ts";
import type { ScopeName } from "../expressions/scope.ts";
import type { Finding } from "../finding.ts";
import { canonicalJson, isObject, type Json, type JsonObject, sha256 } from "../json.ts";
import { withDefaults } from "../schema-findings.ts";
import type { DataPath, YamlDocument } from "../yaml-findings.ts";
import { type ActionFile, actionSchema, type Request } from "./action.generated.ts";
import { type ActionIndex, valueChecker, valueValidation } from "./action-index.ts";
import { checkAccesses, checkCall, type StepSurroundings } from "./check-call.ts";
import type { CustomAction, CustomBody, CustomProbe, RequestTemplate } from "./custom-action.ts";
import { type FindingList, findingList } from "./finding-list.ts";

export interface CustomCompilation {
  readonly name: string;
  /** null: nothing can be made of it. With errors among the findings it is there for whoever names it, and never used. */
  readonly action: CustomAction | null;
  readonly findings: readonly Finding[];
}

interface Work {
  readonly file: ActionFile;
  readonly list: FindingList;
  /** Built-in actions. */
  readonly index: ActionIndex;
  readonly surroundings: StepSurroundings;
}

/** gitmend sends these itself, or they would be a way around the credential of gitmend.yaml. */
const ownHeaders =
  /^(?:authorization|cookie|host|connection|content-(?:length|type)|transfer-encoding|user-agent|idempotency-key|proxy-.*|x-forwarded-.*)$/i;

/** `document` has passed the schema. */
export function compileCustomAction(document: YamlDocument, index: ActionIndex): CustomCompilation {
  const file = withDefaults<ActionFile>(document.value, actionSchema);
  const list = findingList(document);
  const work: Work = { file, list, index, surroundings: surroundingsOf(file, list) };
  checkName(work);
  checkParameters(work);
  const body = bodyOf(file, [], work);
  const undo = undoOf(work, body);
  const probe = probeOf(work, body);
  const { name, description, risk, text, timeout } = file;
  const action =
    body === null || undo === null
      ? null
      : {
          name,
          description,
          risk,
          parameters: file.parameters as CustomAction["parameters"],
          text,
          body,
          probe,
          undo,
          timeoutSeconds: Math.max(1, durationSeconds(timeout)),
          hash: sha256(canonicalJson(document.value)),
        };
  return { name, action, findings: list.found };
}

function surroundingsOf({ parameters }: ActionFile, list: FindingList): StepSurroundings {
  return {
    outputs: new Map(),
    lists: new Set(),
    before: new Set(),
    hint: "",
    parameters: parameters as CustomAction["parameters"],
    own: null,
    // A body's parameters stand directly in it, those of a step's action one level deeper.
    list: {
      ...list,
      error: (path, ...rest) =>
        list.error(
          path.filter((part) => part !== "parameters"),
          ...rest,
        ),
      faults: (path, ...rest) =>
        list.faults(
          path.filter((part) => part !== "parameters"),
          ...rest,
        ),
    },
    note: () => undefined,
  };
}

function checkName({ file: { name }, index, list }: Work): void {
  const builtIn = index.find(name);
  if (builtIn === undefined) return;
  list.error(
    ["name"],
    "RESERVED_NAME",
    `"${name}" is gitmend's own action ${builtIn.description.name}: choose another name`,
  );
}

function checkParameters({ file, list }: Work): void {
  const ajv = valueValidation();
  if (Object.hasOwn(file.parameters, "reason"))
    list.error(
      ["parameters", "reason"],
      "RESERVED_NAME",
      '"reason" is a parameter of every action: choose another name',
      { key: true },
    );
  for (const [name, schema] of Object.entries(file.parameters as CustomAction["parameters"])) {
    try {
      const fallback = schema["default"];
      const wrong = valueChecker(ajv, schema)(fallback ?? null);
      if (fallback !== undefined && wrong !== null)
        list.error(["parameters", name, "default"], "WRONG_TYPE", `the default of "${name}": ${wrong}`);
    } catch (error) {
      list.error(
        ["parameters", name],
        "WRONG_VALUE",
        `no JSON Schema: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }
  for (const [position, name] of file.text.entries()) {
    if (!Object.hasOwn(file.parameters, name))
      list.error(["text", position], "UNKNOWN_PARAMETER", `the action has no parameter "${name}"`);
  }
}

type Bodies = Pick<ActionFile, "run_job" | "http_request">;

/** null: there is none, or it has errors. */
function bodyOf(file: Bodies, path: DataPath, work: Work): CustomBody | null {
  const { run_job: job, http_request: request } = file;
  if ((job === undefined) === (request === undefined)) {
    work.list.error(path, "WRONG_VALUE", "needs exactly one of run_job and http_request");
    return null;
  }
  if (request !== undefined) return { request: requestOf(request, [...path, "http_request"], work) };
  const call = { action: "run_job", parameters: job ?? {} };
  const rules = { scope: "action", inherits: false } as const;
  const checked = checkCall(call, [...path, "run_job"], rules, work.index, work.surroundings);
  checkPlaces(job as Json, [...path, "run_job"], work);
  return checked === null ? null : { job: checked.parameters as JsonObject };
}

function requestOf(request: Request, path: DataPath, work: Work): RequestTemplate {
  const { endpoint, method, headers, query, body } = request;
  for (const name of Object.keys(headers)) {
    if (ownHeaders.test(name))
      work.list.error(
        [...path, "headers", name],
        "RESERVED_NAME",
        `gitmend sends "${name}" itself; a credential stands in gitmend.yaml`,
        { key: true },
      );
  }
  for (const key of ["path", "query", "headers"] as const)
    checkPlaces(request[key] as Json, [...path, key], work);
  checkTexts((body ?? null) as Json, [...path, "body"], "action", work);
  return {
    endpoint,
    method,
    path: segmentsOf(request.path, [...path, "path"], work),
    query: query as RequestTemplate["query"],
    headers,
    body: (body ?? null) as Json,
  };
}

/** At the slashes that stand outside of `{{ }}`. */
function segmentsOf(text: string, path: DataPath, { list }: Work): readonly string[] {
  const segments = [""];
  for (const part of splitText(text).parts) {
    const pieces = part.kind === "text" ? part.text.split("/") : [`{{${part.source}}}`];
    if (part.kind === "text" && /[?#%\\]|(?:^|\/)\.\.?(?:\/|$)/.test(part.text))
      list.error(
        path,
        "WRONG_VALUE",
        "a path holds no ? # % and no dots alone: parameters of the query stand in `query`, and gitmend encodes the rest",
      );
    segments[segments.length - 1] += pieces[0] ?? "";
    segments.push(...pieces.slice(1));
  }
  return segments.slice(1);
}

/** Where a value chooses what is called: no free text. */
function checkPlaces(value: Json, path: DataPath, work: Work): void {
  const isJob = path.at(-1) === "run_job";
  if (!isJob) checkTexts(value, path, "action", work);
  const entries =
    isJob && isObject(value)
      ? Object.entries(value).filter(([key]) => key !== "env")
      : [["", value] as const];
  for (const [key, one] of entries) {
    for (const name of paramsIn(one ?? null)) {
      if (!work.file.text.includes(name)) continue;
      const here = key === "" ? path : [...path, key];
      work.list.error(
        here,
        "TEXT_CHOOSES",
        `"${name}" is free text: it may enter a body or an environment variable, nothing else`,
      );
    }
  }
}

function paramsIn(value: Json): readonly string[] {
  if (typeof value !== "string")
    return typeof value === "object" && value !== null
      ? Object.values(value).flatMap((one: Json | undefined) => paramsIn(one ?? null))
      : [];
  return readText(value, "action").expressions.flatMap(({ expression }) =>
    expression.accesses.flatMap(({ root, path: [name] }) =>
      root === "params" && typeof name === "string" ? [name] : [],
    ),
  );
}

function checkTexts(value: Json, path: DataPath, scope: ScopeName, work: Work): void {
  if (typeof value === "string") {
    const { expressions, faults } = readText(value, scope);
    work.list.faults(path, faults);
    for (const { expression, offset } of expressions)
      checkAccesses(expression, path, offset, work.surroundings);
    return;
  }
  if (typeof value !== "object" || value === null) return;
  for (const [key, member] of Object.entries(value) as [string, Json][])
    checkTexts(member, [...path, Array.isArray(value) ? Number(key) : key], scope, work);
}

function undoOf(work: Work, body: CustomBody | null): CustomAction["undo"] | null {
  const { undo } = work.file;
  if (undo === undefined) {
    if (body !== null && "request" in body && body.request.method === "GET")
      return { nothing: "it only reads" };
    work.list.error([], "MISSING_KEY", '"undo" is missing: say how it is taken back, or `nothing` and why');
    return null;
  }
  const { nothing, ...bodies } = undo;
  if (nothing === undefined) return bodyOf(bodies, ["undo"], work);
  if (bodies.run_job === undefined && bodies.http_request === undefined) return { nothing };
  work.list.error(["undo", "nothing"], "WRONG_VALUE", "`nothing` stands alone");
  return null;
}

function probeOf(work: Work, body: CustomBody | null): CustomProbe | null {
  const { probe } = work.file;
  if (probe === undefined) {
    warnOfBlindness(work, body);
    return null;
  }
  const { http_request: request, object, expect } = probe;
  if ((request === undefined) === (object === undefined)) {
    work.list.error(["probe"], "WRONG_VALUE", "needs exactly one of http_request and object");
    return null;
  }
  if (body !== null && "job" in body)
    work.list.error(["probe"], "WRONG_VALUE", "a Job needs no probe: it is found by its name");
  const scope = request === undefined ? "object" : "answer";
  work.list.faults(["probe", "expect"], checkExpression(expect, scope, "boolean"));
  const { expression } = compileExpression(expect, scope);
  if (expression !== null) checkAccesses(expression, ["probe", "expect"], 0, work.surroundings);
  if (request !== undefined)
    return {
      expect,
      request: { ...requestOf(request, ["probe", "http_request"], work), method: "GET", body: null },
    };
  const {
    api_version: apiVersion,
    kind,
    resource,
    namespace = null,
    name,
  } = object ?? { api_version: "", kind: "", resource: "", name: "" };
  checkPlaces({ namespace, name }, ["probe", "object"], work);
  return { expect, object: { apiVersion, kind, resource, namespace, name } };
}

function warnOfBlindness({ list }: Work, body: CustomBody | null): void {
  if (body === null || !("request" in body)) return;
  const { method } = body.request;
  if (method !== "POST" && method !== "PATCH") return;
  const message = `nobody can tell whether a ${method} whose answer was lost has happened: it is never sent again, and people are told. A probe would know`;
  list.warning(["http_request"], "NO_PROBE", message);
}
