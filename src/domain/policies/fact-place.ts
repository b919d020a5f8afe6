// A fact and a path into it, as a condition names them: read, checked, and spelled for people.
import { didYouMean } from "../did-you-mean.ts";
import { type Root, rootFields } from "../expressions/scope.ts";
import { readsFreeText } from "../templates/check-call.ts";
import type { FindingList } from "../templates/finding-list.ts";
import type { DataPath } from "../yaml-findings.ts";
import type { ConditionContext } from "./condition-context.ts";
import { type FactPath, parseFactPath } from "./fact-path.ts";
import type { FactName, FactPlace } from "./rule.ts";

function pathFault(fact: Root, path: FactPath): string | null {
  const [field] = path;
  const fields = rootFields[fact];
  if (fact === "now" && path.length > 0) return '"now" is a time and has no parts';
  if (field === undefined || fields === undefined || fields.includes(String(field))) return null;
  return `${fact} has no "${field}"${didYouMean(String(field), fields)}`;
}

/** What does not exist when a template is selected. */
export const notYet: Readonly<Partial<Record<FactName, string>>> = {
  plan: "there is no plan yet when a template is selected",
  usage: "what is under way is counted for a plan, and there is none yet when a template is selected",
};

/** null: something is wrong with it, and reported. */
export function factPlace(
  fact: FactName,
  pathText: string,
  at: DataPath,
  { list, kind }: ConditionContext,
): FactPlace | null {
  const early = notYet[fact];
  if (early !== undefined && kind === "selection") {
    list.error([...at, "fact"], "PLAN_IN_SELECTION", early);
    return null;
  }
  const path = parseFactPath(pathText);
  if (path === null) {
    const message = `"${pathText}" is no path: write $.labels.env or $.labels['app.kubernetes.io/name']`;
    list.error([...at, "path"], "WRONG_VALUE", message);
    return null;
  }
  const fault = pathFault(fact, path);
  if (fault !== null) list.error([...at, path.length === 0 ? "fact" : "path"], "UNKNOWN_FIELD", fault);
  if (readsFreeText({ root: fact, path: path.map(String), offset: 0 })) {
    list.error([...at, "path"], "TEXT_CHOOSES", "annotations are free text: nothing is decided by them");
  }
  if (kind === "guard") warnOfAlert(fact, path, at, list);
  return fault === null ? { fact, path, pathText } : null;
}

/** A node alert carries no namespace, but its plan may touch many. */
export function warnOfAlert(
  root: string,
  path: readonly (string | number | null)[],
  at: DataPath,
  list: FindingList,
): void {
  const [field, label] = path;
  const what = field === "labels" ? label : field;
  const better = root === "alert" ? planFacts[String(what)] : undefined;
  if (better === undefined) return;
  const message = `guards judge what the plan touches: read ${better} instead of the alert's ${what}`;
  list.warning(at, "GUARD_READS_ALERT", message);
}

const planFacts: Readonly<Record<string, string>> = {
  namespace: "plan.namespaces",
  cluster: "plan.clusters",
  resource: "plan.objects",
};

/** `target.labels.app`. */
export function placeText({ fact, path }: FactPlace): string {
  const parts = path.map((key) => {
    if (key === null) return "[*]";
    if (typeof key === "number") return `[${key}]`;
    return /^[A-Za-z_][\w-]*$/.test(key) ? `.${key}` : `['${key}']`;
  });
  return fact + parts.join("");
}
