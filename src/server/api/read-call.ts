// A request as its route describes it, or a sentence about what is wrong with it. Query parameters are texts: they become
// what their schema says, and nothing else passes (no `1e3`, no unknown parameter that somebody believes in).
import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import type { Request } from "express";
import { didYouMean } from "../../domain/did-you-mean.ts";
import { isObject, type JsonObject } from "../../domain/json.ts";
import { shortened } from "../../domain/plain-text.ts";
import { Problem } from "../../domain/problem.ts";
import { storable } from "../../domain/storable.ts";
import type { Call, Route } from "./route.ts";

type Properties = Readonly<Record<string, JsonObject>>;

/** @returns reads one request. @throws Problem USAGE from what it returns. */
export function callReader(route: Route): (request: Request) => Call {
  const ajv = new Ajv({ useDefaults: true, strict: false });
  const query = { type: "object", properties: route.query, additionalProperties: false };
  const checkQuery = ajv.compile(query);
  const body = route.kind === "plain" ? route.body : null;
  const checkBody = body === null ? null : ajv.compile(body);
  return (request) => ({
    id: String(request.params["id"] ?? ""),
    query: checked(checkQuery, typed(request.query, route.query), route.query),
    body:
      checkBody === null
        ? {}
        : checked(checkBody, storable(isObject(request.body) ? request.body : {}), propertiesOf(body)),
  });
}

function propertiesOf(schema: JsonObject | null): Properties {
  return (schema?.["properties"] ?? {}) as Properties;
}

function typed(query: Request["query"], schemas: Properties): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(query).map(([name, value]) => [name, typedValue(value, schemas[name]?.["type"])]),
  );
}

function typedValue(value: unknown, type: unknown): unknown {
  if (typeof value !== "string") return value;
  if (type === "integer") return /^\d{1,15}$/.test(value) ? Number(value) : value;
  if (type === "boolean") return value === "true" ? true : value === "false" ? false : value;
  return value;
}

function checked(
  check: ValidateFunction,
  value: object,
  schemas: Properties,
): Readonly<Record<string, unknown>> {
  if (check(value)) return value as Record<string, unknown>;
  const [error] = check.errors ?? [];
  throw new Problem("USAGE", error === undefined ? "the request is not valid" : complaint(error, schemas));
}

function complaint({ keyword, params, instancePath }: ErrorObject, schemas: Properties): string {
  const [, name = "", ...inside] = instancePath.split("/");
  if (keyword === "additionalProperties") {
    const unknown = shortened(String(params["additionalProperty"]), 40);
    const known = name === "" ? Object.keys(schemas) : Object.keys(propertiesOf(schemas[name] ?? {}));
    const within = name === "" ? "" : ` in ${name}`;
    return `there is no "${unknown}"${within}${didYouMean(unknown, known)}`;
  }
  if (keyword === "required" && name === "") {
    const missing = String(params["missingProperty"]);
    return `${missing} is missing: ${described(schemas[missing])}`;
  }
  const where = [name, ...inside].join(".");
  const schema = inside.reduce<JsonObject | undefined>(
    (outer, part) => propertiesOf(outer ?? {})[part],
    schemas[name],
  );
  if (keyword === "required") return `${where} needs ${String(params["missingProperty"])}`;
  return `${where} is ${described(schema)}`;
}

/** What a value should have been, for people. */
function described(schema: JsonObject | undefined): string {
  if (typeof schema?.["description"] === "string") return schema["description"];
  if (Array.isArray(schema?.["enum"])) return `one of ${schema["enum"].join(", ")}`;
  if (schema?.["type"] === "boolean") return "true or false";
  if (schema?.["type"] === "integer")
    return `a whole number from ${Number(schema["minimum"])} to ${Number(schema["maximum"])}`;
  return schema?.["type"] === "object" ? "an object" : "a text";
}
