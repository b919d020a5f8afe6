// Matches per second: the catalog's index against one plain json-rules-engine that holds all rules, in the same run.
// Ten rules for each alert name (fewer names below 100 rules), three conditions each, as people write them.
import { Engine, type RuleProperties } from "json-rules-engine";
import { actions } from "../src/actions/registry.ts";
import type { Facts } from "../src/domain/facts/facts.ts";
import { compileCatalog } from "../src/domain/policies/compile-catalog.ts";
import { selectTemplate } from "../src/domain/policies/select-template.ts";

const rulesPerName = 10;
const secondsEach = Number(
  process.argv.find((argument) => argument.startsWith("--seconds="))?.slice(10) ?? 2,
);
const unavailable = { available: false, why: "not asked for" } as const;

interface Rule {
  readonly name: string;
  readonly alertName: string;
  readonly namespace: string;
}

function makeRules(count: number): readonly Rule[] {
  const names = Math.max(1, count / rulesPerName);
  return Array.from({ length: count }, (_, index) => ({
    name: `rule-${index}`,
    alertName: `Alert${index % names}`,
    namespace: `team-${Math.floor(index / names)}`,
  }));
}

const template = "name: look\nsteps:\n  - {name: look, action: {type: kubernetes, action: get_pod_status}}\n";

function catalogOf(rules: readonly Rule[]) {
  const body = rules.map(({ name, alertName, namespace }, index) => ({
    name,
    priority: 1 + (index % 97),
    on: [alertName],
    conditions: {
      all: [
        { fact: "alert", path: "$.labels.namespace", operator: "equal", value: namespace },
        { fact: "alert", path: "$.labels.severity", operator: "in", value: ["warning", "critical"] },
      ],
    },
    event: { type: "select-template", params: { template: "look" } },
  }));
  const files = [{ path: "templates/look.yaml", text: template }];
  for (let at = 0; at < body.length; at += 500) {
    files.push({
      path: `policies/p${at}.json`,
      text: JSON.stringify({ name: `p${at}`, rules: body.slice(at, at + 500) }),
    });
  }
  const { catalog, findings } = compileCatalog(files, `main@sha1:${"0".repeat(40)}`, actions);
  if (catalog === null) throw new Error(JSON.stringify(findings.slice(0, 3)));
  return catalog;
}

function factsOf(rule: Rule): Facts {
  const labels = { alertname: rule.alertName, namespace: rule.namespace, severity: "warning", pod: "api-1" };
  return {
    alert: {
      cluster: "c",
      fingerprint: "f",
      status: "firing",
      name: rule.alertName,
      severity: "warning",
      labels,
      annotations: {},
      startsAt: "2026-11-17T10:00:00.000Z",
      endsAt: null,
      source: "s",
      sanitised: false,
    },
    cluster: { name: "c", labels: {} },
    now: "2026-11-17T10:00:00.000Z",
    subject: unavailable,
    subjects: unavailable,
    owner: unavailable,
    target: unavailable,
    namespace: unavailable,
    history: unavailable,
  };
}

function plainEngine(rules: readonly Rule[]): Engine {
  const engine = new Engine();
  for (const { alertName, namespace } of rules) {
    const rule: RuleProperties = {
      conditions: {
        all: [
          { fact: "alert", path: "$.labels.alertname", operator: "equal", value: alertName },
          { fact: "alert", path: "$.labels.namespace", operator: "equal", value: namespace },
          { fact: "alert", path: "$.labels.severity", operator: "in", value: ["warning", "critical"] },
        ],
      },
      event: { type: "select-template" },
    };
    engine.addRule(rule);
  }
  return engine;
}

async function perSecond(rules: readonly Rule[], match: (rule: Rule) => Promise<boolean>): Promise<number> {
  const until = performance.now() + secondsEach * 1000;
  const began = performance.now();
  let done = 0;
  while (performance.now() < until) {
    const rule = rules[(done * 7919) % rules.length];
    if (rule === undefined || !(await match(rule))) throw new Error("a rule that must match did not");
    done += 1;
  }
  return (done * 1000) / (performance.now() - began);
}

console.log("rules    gitmend/s   plain json-rules-engine/s   ratio");
for (const count of [10, 100, 1000, 10_000]) {
  const rules = makeRules(count);
  const catalog = catalogOf(rules);
  const engine = plainEngine(rules);
  await perSecond(
    rules.slice(0, 1),
    async (rule) => (await selectTemplate(factsOf(rule), catalog)).kind === "match",
  );
  const ours = await perSecond(
    rules,
    async (rule) => (await selectTemplate(factsOf(rule), catalog)).kind === "match",
  );
  const plain = await perSecond(
    rules,
    async (rule) => (await engine.run({ alert: factsOf(rule).alert })).events.length > 0,
  );
  console.log(
    `${String(count).padEnd(8)} ${ours.toFixed(0).padStart(9)}   ${plain.toFixed(1).padStart(25)}   ${(ours / plain).toFixed(1).padStart(5)}x`,
  );
}
