// Label and field selectors in the text form of list requests, and label selectors of specs.
import { type ApiObject, isMap, type LabelSelector } from "./objects.ts";
import { badRequest } from "./status-error.ts";

export type Matches = (object: ApiObject) => boolean;

const setForm = /^([^\s!=(),]+)\s+(in|notin)\s+\(([^)]*)\)$/;
const equalForm = /^([^\s!=(),]+)\s*(==|=|!=)\s*([^\s!=(),]*)$/;
const existsForm = /^(!?)\s*([^\s!=(),]+)$/;

type LabelTest = (labels: Readonly<Record<string, string>>) => boolean;

function requirement(text: string): LabelTest {
  const set = setForm.exec(text);
  if (set) {
    const values = set[3]!.split(",").map((value) => value.trim());
    const wanted = set[2] === "in";
    return (labels) => values.includes(labels[set[1]!] ?? "\0") === wanted;
  }
  const equal = equalForm.exec(text);
  if (equal) return (labels) => (labels[equal[1]!] === equal[3]) === (equal[2] !== "!=");
  const exists = existsForm.exec(text);
  if (exists) return (labels) => (labels[exists[2]!] !== undefined) === (exists[1] === "");
  throw badRequest(`unable to parse requirement: ${text}`);
}

export function parseLabelSelector(text: string): Matches {
  const tests = text
    .split(/,(?![^(]*\))/)
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .map(requirement);
  return ({ metadata }) => tests.every((test) => test(metadata.labels ?? {}));
}

function fieldValue(object: ApiObject, path: string): string {
  let value: unknown = object;
  for (const part of path.split(".")) value = isMap(value) ? value[part] : undefined;
  if (path === "spec.unschedulable") return value === true ? "true" : "false";
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}

const anyKind = ["metadata.name", "metadata.namespace"];
const selectable: Readonly<Record<string, readonly string[]>> = {
  pods: ["spec.nodeName", "spec.restartPolicy", "status.phase", "status.podIP"],
  nodes: ["spec.unschedulable"],
  events: [
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "reason",
    "type",
  ],
};

export function parseFieldSelector(plural: string, text: string): Matches {
  const known = [...anyKind, ...(selectable[plural] ?? [])];
  const tests = text
    .split(",")
    .filter((part) => part !== "")
    .map((part) => {
      const parsed = equalForm.exec(part.trim());
      if (parsed === null) throw badRequest(`invalid field selector: ${part}`);
      const [, path = "", operator, value] = parsed;
      if (!known.includes(path)) throw badRequest(`field label not supported: ${path}`);
      return (object: ApiObject) => (fieldValue(object, path) === value) === (operator !== "!=");
    });
  return (object) => tests.every((test) => test(object));
}

/** A spec's selector; an empty one selects everything, as policy/v1 and apps/v1 say. */
export function selectorMatches(selector: LabelSelector, labels: Readonly<Record<string, string>>): boolean {
  const equal = Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
  return (
    equal &&
    (selector.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
      const value = labels[key];
      if (operator === "Exists") return value !== undefined;
      if (operator === "DoesNotExist") return value === undefined;
      return values.includes(value ?? "\0") === (operator === "In");
    })
  );
}
