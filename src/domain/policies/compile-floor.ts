// The floor of gitmend.yaml: guard rules that no commit to the config repository can take away. A policy called `floor` whose
// rules stand in the configuration; it has neither shared conditions nor calendars, which would belong to the repository.
import type { Finding } from "../finding.ts";
import { isObject, type JsonObject } from "../json.ts";
import { schemaCheck, withDefaults } from "../schema-findings.ts";
import { findingList } from "../templates/finding-list.ts";
import type { YamlDocument } from "../yaml-findings.ts";
import { compileRules } from "./compile-policy.ts";
import { type PolicyFile, policySchema } from "./policy.generated.ts";
import type { GuardRule } from "./rule.ts";

export interface FloorCompilation {
  /** `floor/<rule>`. Empty when there is a finding. */
  readonly rules: readonly GuardRule[];
  readonly findings: readonly Finding[];
}

/** @param document of gitmend.yaml: positions are those of its key `floor` */
export function compileFloor(document: YamlDocument): FloorCompilation {
  const rules = isObject(document.value) ? document.value["floor"] : undefined;
  if (!Array.isArray(rules) || rules.length === 0) return { rules: [], findings: [] };
  const policy = asPolicy(document, { name: "floor", rules });
  const faults = schemaCheck(policySchema)(policy);
  if (faults.length > 0) return { rules: [], findings: faults };
  const file = withDefaults<PolicyFile>(policy.value, policySchema);
  const list = findingList(policy);
  for (const [index, { event }] of file.rules.entries()) {
    if (event.type !== "select-template" && event.type !== "escalate") continue;
    const message = `the floor holds guards; "${event.type}" chooses and belongs into a policy`;
    list.error(["rules", index, "event", "type"], "WRONG_VALUE", message);
  }
  if (list.found.length > 0) return { rules: [], findings: list.found };
  const surroundings = { templates: new Map(), calendars: new Map() };
  const { guards } = compileRules({ ...surroundings, file, document: policy, list });
  const broken = list.found.some(({ severity }) => severity === "error");
  return { rules: broken ? [] : guards, findings: list.found.map(aboutFloor) };
}

function aboutFloor(finding: Finding): Finding {
  if (finding.code !== "UNKNOWN_CALENDAR") return finding;
  const message = "calendars stand in the config repository, which the floor does not depend on: it has none";
  return { ...finding, message };
}

function asPolicy(document: YamlDocument, value: JsonObject): YamlDocument {
  return {
    file: document.file,
    value,
    position: ([first, ...rest], at) =>
      first === "rules" ? document.position(["floor", ...rest], at) : document.position(["floor"]),
  };
}
