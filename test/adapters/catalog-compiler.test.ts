import { describe, expect, it } from "vitest";
import { actions } from "../../src/actions/registry.ts";
import { catalogCompiler } from "../../src/adapters/catalog-compiler.ts";
import { compileCatalog } from "../../src/domain/policies/compile-catalog.ts";
import { evaluateGuards } from "../../src/domain/policies/evaluate-guards.ts";
import { selectTemplate } from "../../src/domain/policies/select-template.ts";
import { givenFacts } from "../fixtures/facts.ts";
import { plan } from "../support/given.ts";

const template = "name: look\nsteps:\n  - {name: look, action: {type: kubernetes, action: get_pod_status}}\n";
const rule = (index: number) => ({
  name: `rule-${index}`,
  priority: 1 + (index % 97),
  on: [`Alert${index % 1000}`],
  when: "history.attempts('24h') < 3",
  conditions: {
    all: [{ fact: "alert", path: "$.labels.namespace", operator: "equal", value: `team-${index}` }],
  },
  event: { type: "select-template", params: { template: "look" } },
});
const catalogOf = (count: number) => {
  const files = [{ path: "templates/look.yaml", text: template }];
  for (let at = 0; at < count; at += 100) {
    const rules = Array.from({ length: Math.min(100, count - at) }, (_, index) => rule(at + index));
    files.push({ path: `policies/p${at}.json`, text: JSON.stringify({ name: `p${at}`, rules }) });
  }
  return files;
};
const guard = `name: night
rules:
  - name: ask
    when: "plan.risk == 'low' && alert.labels.severity == 'warning'"
    event: {type: require-approval, params: {approvals: 1, expires: 30m}}
`;
const choice = `name: crashes
rules:
  - name: look
    on: [KubePodCrashLooping]
    conditions: {all: [{fact: alert, path: $.labels.namespace, operator: glob, value: "sh*"}]}
    event: {type: select-template, params: {template: look}}
`;

describe("a catalog that another thread compiled", () => {
  it("is held to the scopes of gitmend.yaml, and keeps them", async () => {
    const power = { clusters: ["*"], actions: ["get_*"], uses: [], maxRisk: "low", runAs: null } as const;
    const scopes = [{ ...power, path: "teams/shop", namespaces: ["shop"] }];
    const compiler = catalogCompiler(actions, { scopes });
    const within = [
      { path: "teams/shop/templates/look.yaml", text: template },
      { path: "teams/shop/policies/crashes.yaml", text: choice },
    ];
    const { catalog } = await compiler.compile(within, "main@sha1:a");
    expect(catalog?.scopes).toEqual(scopes);
    expect((await selectTemplate(givenFacts(), catalog!)).kind).toBe("match");
    const beyond = [...within, { path: "templates/other.yaml", text: template.replace("look", "other") }];
    const refused = await compiler.compile(beyond, "main@sha1:b");
    expect([refused.catalog, refused.findings.map(({ code }) => code)]).toEqual([null, ["SCOPE_MISSING"]]);
    expect((await compiler.compile(beyond, "main@sha1:b", true)).catalog).not.toBeNull();
  });

  it("decides as one that was compiled here", async () => {
    const files = [
      { path: "templates/look.yaml", text: template },
      { path: "policies/crashes.yaml", text: choice },
      { path: "policies/night.yaml", text: guard },
    ];
    const { catalog, findings } = await catalogCompiler(actions).compile(files, "main@sha1:a");
    const here = compileCatalog(files, "main@sha1:a", actions).catalog!;
    expect(findings).toEqual([]);
    expect(await selectTemplate(givenFacts(), catalog!)).toEqual(await selectTemplate(givenFacts(), here));
    expect((await selectTemplate(givenFacts(), catalog!)).kind).toBe("match");
    const verdicts = await evaluateGuards(catalog!, givenFacts(), plan([]));
    expect(verdicts).toEqual(await evaluateGuards(here, givenFacts(), plan([])));
    expect(verdicts).toHaveLength(1);
    expect(catalog!.templates).toEqual(here.templates);
  });

  it("has the same findings, and is none", async () => {
    const files = [{ path: "policies/crashes.yaml", text: choice }];
    const compiled = await catalogCompiler(actions).compile(files, "main@sha1:a");
    expect(compiled.catalog).toBeNull();
    expect(compiled.findings).toEqual(compileCatalog(files, "main@sha1:a", actions).findings);
    expect(compiled.findings.map(({ code }) => code)).toEqual(["UNKNOWN_TEMPLATE"]);
  });

  it("may be large: 5,000 rules arrive whole", async () => {
    const { catalog } = await catalogCompiler(actions).compile(catalogOf(5_000), "main@sha1:a");
    expect(catalog?.ruleCount).toBe(5_000);
  });

  it("is given up when it takes too long or too much memory, as a finding", async () => {
    const slow = await catalogCompiler(actions, { limits: { seconds: 0.05, memoryMebibytes: 512 } }).compile(
      catalogOf(2_000),
      "main@sha1:a",
    );
    expect([slow.catalog, slow.findings[0]?.code]).toEqual([null, "CATALOG_TOO_LARGE"]);
    const large = await catalogCompiler(actions, { limits: { seconds: 60, memoryMebibytes: 24 } }).compile(
      catalogOf(5_000),
      "main@sha1:a",
    );
    expect([large.catalog, large.findings[0]?.message]).toEqual([
      null,
      expect.stringContaining("24 MiB of memory"),
    ]);
  });
});
