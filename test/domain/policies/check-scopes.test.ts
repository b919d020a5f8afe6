// What a commit to the config repository cannot do, said where it is written: a folder that is bounded to its scope stays within it,
// also by the detour over what another folder wrote.
import { describe, expect, it } from "vitest";
import { actions } from "../../../src/actions/registry.ts";
import { readConfig, scopesOf } from "../../../src/config/read-config.ts";
import { compileCatalog } from "../../../src/domain/policies/compile-catalog.ts";
import { scopeOfFile } from "../../../src/domain/templates/scope.ts";

const shop = "{path: teams/shop, namespaces: [shop], actions: ['restart_*', get_pod_status, 'flush*']}";
const whole = "{path: ., namespaces: ['*'], secrets: ['*'], max_risk: critical}";

function scopes(...entries: readonly string[]) {
  const { config, findings } = readConfig(`scopes: [${entries.join(", ")}]`, "gitmend.yaml", {});
  if (config === null) throw new Error(JSON.stringify(findings));
  return scopesOf(config);
}

function found(files: Readonly<Record<string, string>>, ...entries: readonly string[]): readonly string[] {
  const texts = Object.entries(files).map(([path, text]) => ({ path, text }));
  const { catalog, findings } = compileCatalog(texts, "main@sha1:0", actions, scopes(...entries));
  const errors = findings.filter(({ severity }) => severity === "error");
  expect(catalog === null).toBe(errors.length > 0);
  return errors.map(
    ({ file, line, column, code, message }) => `${file}:${line}:${column} ${code} ${message}`,
  );
}

const step = (action: string, parameters = "{}", more = "") =>
  `name: fix\nsteps:\n  - name: a\n    action: {action: ${action}, parameters: ${parameters}}\n${more}`;
const choose = (template = "fix", name = "p") =>
  `name: ${name}\nrules: [{name: choose, on: [X], event: {type: select-template, params: {template: ${template}}}}]\n`;

describe("which scope a file has", () => {
  const all = scopes(whole, shop, "{path: teams/shop/templates/db, namespaces: []}");
  it.each([
    ["teams/shop/templates/x.yaml", "teams/shop"],
    ["teams/shop/templates/db/x.yaml", "teams/shop/templates/db"],
    ["teams/shop2/templates/x.yaml", "."],
    ["teams/shop.yaml", "."],
    ["templates/teams/shop/x.yaml", "."],
    // Only looks like one: it has none.
    ["teams/Shop/templates/x.yaml", undefined],
  ])("%s: that of the longest path around it, by whole names", (file, path) => {
    expect(scopeOfFile(file, all)?.path).toBe(path);
  });
});

describe("a template in a team's folder", () => {
  it("within its scope is fine", () => {
    const files = {
      "teams/shop/templates/fix.yaml": step("restart_pod", "{pod: a, namespace: shop}"),
      "teams/shop/policies/p.yaml": choose(),
    };
    expect(found(files, whole, shop)).toEqual([]);
    expect(found(files, shop)).toEqual([]);
  });

  it("is held by its scope alone, not by that of the whole repository", () => {
    const files = { "teams/shop/templates/fix.yaml": step("scale_deployment", "{replicas: 3}") };
    expect(found(files, whole, shop)).toEqual([
      "teams/shop/templates/fix.yaml:3:5 SCOPE_ACTION scope teams/shop of gitmend.yaml does not allow scale_deployment: use one of restart_*, get_pod_status, flush*",
    ]);
  });

  it("does not reach another namespace, in a step, an alternative, a rollback, finally or when_resolved", () => {
    const elsewhere = "{action: restart_pod, parameters: {pod: a, namespace: payments}}";
    const files = {
      "teams/shop/templates/fix.yaml": `name: fix
steps:
  - name: a
    action: {action: restart_pod, parameters: {pod: a, namespace: "{{ alert.namespace }}"}}
    alternatives: [${elsewhere}]
  - name: b
    action: ${elsewhere}
    rollback: ${elsewhere}
finally:
  - {name: c, action: ${elsewhere}}
when_resolved:
  - {name: d, action: ${elsewhere}}
`,
    };
    const message =
      "SCOPE_NAMESPACE namespace payments is outside of scope teams/shop of gitmend.yaml, which allows shop";
    expect(found(files, shop)).toEqual(
      ["3:5", "6:5", "10:5", "12:5"].map((at) => `teams/shop/templates/fix.yaml:${at} ${message}`),
    );
  });

  it("touches no node, unless its scope has all namespaces", () => {
    const files = { "teams/shop/templates/fix.yaml": step("cordon_node", "{node: n1}", "risk: high\n") };
    const on = (namespaces: string) => `{path: teams/shop, namespaces: ${namespaces}, max_risk: high}`;
    expect(found(files, on("['*-shop', shop]"))[0]).toContain("SCOPE_NAMESPACE cordon_node is about a node");
    expect(found(files, on("['*']"))).toEqual([]);
  });

  it("is of no higher risk than the scope allows", () => {
    const files = { "teams/shop/templates/fix.yaml": step("restart_pod", "{pod: a}", "risk: high\n") };
    expect(found(files, shop)).toEqual([
      "teams/shop/templates/fix.yaml:1:1 SCOPE_RISK the risk of template fix is high; scope teams/shop of gitmend.yaml allows medium at most",
    ]);
  });
});

describe("a file outside of all scopes", () => {
  it("is refused, whatever it is", () => {
    const files = { "templates/fix.yaml": step("get_pod_status"), "policies/p.yaml": choose() };
    expect(found(files, shop).map((line) => line.split(" ", 2).join(" "))).toEqual([
      "policies/p.yaml:1:1 SCOPE_MISSING",
      "templates/fix.yaml:1:1 SCOPE_MISSING",
    ]);
  });

  it("in a folder that only looks like another one is told apart from it", () => {
    const accents = "{path: teams/caf\u00e9, namespaces: [shop]}";
    const files = {
      "teams/Shop/templates/a.yaml": step("get_pod_status").replace("fix", "one"),
      "teams/sh\u200bop/templates/a.yaml": step("get_pod_status").replace("fix", "two"),
      "teams/cafe\u0301/templates/a.yaml": step("get_pod_status").replace("fix", "three"),
      "teams/ｓhop/templates/a.yaml": step("get_pod_status").replace("fix", "four"),
    };
    expect(found(files, whole, shop, accents).map((line) => /SCOPE_\w+/.exec(line)?.[0])).toEqual(
      Array(4).fill("SCOPE_LOOK_ALIKE"),
    );
  });
});

describe("the detour over another folder", () => {
  const powerful = { "templates/fix.yaml": step("scale_deployment", "{replicas: 3, namespace: payments}") };

  it("gives a rule no more than its own scope", () => {
    const files = { ...powerful, "teams/shop/policies/p.yaml": choose() };
    const at = "teams/shop/policies/p.yaml:2:9";
    expect(found(files, whole, shop)).toEqual([
      `${at} SCOPE_ACTION p/choose chooses fix: scope teams/shop of gitmend.yaml does not allow scale_deployment: use one of restart_*, get_pod_status, flush*`,
      `${at} SCOPE_NAMESPACE p/choose chooses fix: namespace payments is outside of scope teams/shop of gitmend.yaml, which allows shop`,
    ]);
  });

  it("gives a template no more than its own scope by its fallback", () => {
    const fallback = "configuration: {fallback: fix}\n";
    const files = {
      ...powerful,
      "teams/shop/templates/mine.yaml": step("restart_pod", "{pod: a}", fallback).replace("fix", "mine"),
    };
    expect(found(files, whole, shop)[0]).toBe(
      "teams/shop/templates/mine.yaml:1:1 SCOPE_ACTION mine takes fix along: scope teams/shop of gitmend.yaml does not allow scale_deployment: use one of restart_*, get_pod_status, flush*",
    );
  });

  it("does not make two accounts of one plan", () => {
    const as = (path: string) =>
      `{path: ${path}, namespaces: ['*'], run_as: {service_account: ${path === "." ? "ops" : "shop"}/bot}}`;
    const files = {
      "templates/fix.yaml": step("get_pod_status"),
      "teams/shop/policies/p.yaml": choose(),
    };
    expect(found(files, as("."), as("teams/shop"))).toEqual([
      "teams/shop/policies/p.yaml:2:9 SCOPE_RUN_AS p/choose would act as service account shop/bot and as service account ops/bot: keep it to folders with one run_as",
    ]);
  });
});

describe("a credential", () => {
  const flush =
    "name: flush_cdn\ndescription: d\nrisk: low\nhttp_request: {endpoint: cdn, path: /x}\nundo: {nothing: it cannot be taken back}\n";
  const job = (secret: string) =>
    step(
      "run_job",
      `{namespace: shop, image: a, cpu: 100m, memory: 64Mi, env: {T: {secret: ${secret}, key: k}}}`,
    );
  const jobs = (secrets: string) =>
    `{path: teams/shop, namespaces: [shop], max_risk: high, secrets: ${secrets}}`;

  it("of an endpoint is used by no folder that does not list it", () => {
    const files = { "teams/shop/actions/flush.yaml": flush };
    expect(found(files, shop)).toEqual([
      'teams/shop/actions/flush.yaml:1:1 SCOPE_SECRET scope teams/shop of gitmend.yaml does not list "cdn" under secrets: leave it out',
    ]);
    expect(found(files, jobs("[cdn]"))).toEqual([]);
  });

  it("is not used by naming the action of another folder either", () => {
    const files = {
      "actions/flush.yaml": flush,
      "teams/shop/templates/fix.yaml": step("flush_cdn"),
    };
    expect(found(files, whole, shop)).toEqual([
      'teams/shop/templates/fix.yaml:3:5 SCOPE_SECRET scope teams/shop of gitmend.yaml does not list "cdn" under secrets: leave it out',
    ]);
  });

  it("in a Secret is given to no Job, and to no playbook, of a folder that does not list it", () => {
    expect(found({ "teams/shop/templates/fix.yaml": job("db-root") }, jobs("[db-reader]"))).toEqual([
      'teams/shop/templates/fix.yaml:3:5 SCOPE_SECRET scope teams/shop of gitmend.yaml does not list "db-root" under secrets: leave it out',
    ]);
    expect(found({ "teams/shop/templates/fix.yaml": job("db-reader") }, jobs("['db-*']"))).toEqual([]);
    const awx = { "teams/shop/templates/fix.yaml": step("run_awx_job", "{template: 3}") };
    expect(found(awx, jobs("[]"))[0]).toContain('does not list "awx"');
  });
});

describe("what a folder says about others", () => {
  it("lifts no approval", () => {
    const waiver =
      "name: p\nrules: [{name: w, when: 'true', event: {type: waive-approval, params: {max_risk: high, reason: r}}}]\n";
    expect(found({ "teams/shop/policies/p.yaml": waiver }, whole, shop)[0]).toContain(
      "teams/shop/policies/p.yaml:2:9 SCOPE_WAIVER scope teams/shop of gitmend.yaml may ask for more, not for less",
    );
    expect(found({ "policies/p.yaml": waiver }, whole, shop)).toEqual([]);
  });

  it("holds back nothing in other namespaces", () => {
    const needs = (namespace: string) =>
      `name: p\ndependencies: [{name: d, of: {namespace: ${namespace}, kind: Deployment, names: [api]}, on: {namespace: payments, kind: Deployment, name: db}, hold: 15m}]\n`;
    expect(found({ "teams/shop/policies/p.yaml": needs("payments") }, shop)[0]).toContain(
      "teams/shop/policies/p.yaml:2:16 SCOPE_NAMESPACE namespace payments is outside",
    );
    expect(found({ "teams/shop/policies/p.yaml": needs("shop") }, shop)).toEqual([]);
  });

  it("does not replace a template of the same name", () => {
    const files = {
      "templates/fix.yaml": step("get_pod_status"),
      "teams/shop/templates/fix.yaml": step("restart_pod", "{pod: a}"),
    };
    expect(found(files, whole, shop).join()).toContain("DUPLICATE_NAME");
  });
});
