// Folders of the config repository that are bounded to their scope, against real PostgreSQL and a simulated cluster: what an attacker
// with the right to push into one folder can bring about, and what not.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ActionTools, ClusterApi } from "../../src/actions/action.ts";
import { actions } from "../../src/actions/registry.ts";
import { readConfig, scopesOf } from "../../src/config/read-config.ts";
import { replan } from "../../src/controller/replan.ts";
import { weighNow } from "../../src/controller/weigh-plan.ts";
import { fold } from "../../src/domain/execution/evolve.ts";
import type { Alert } from "../../src/domain/facts/alert.ts";
import type { Gate } from "../../src/domain/gate/gate.ts";
import type { Plan } from "../../src/domain/planning/plan.ts";
import type { Catalog } from "../../src/domain/policies/catalog.ts";
import { compileCatalog } from "../../src/domain/policies/compile-catalog.ts";
import { type DecisionWorld, openDecisionWorld } from "../support/decision-world.ts";

let world: DecisionWorld;
beforeAll(async () => {
  world = await openDecisionWorld();
});
afterAll(() => world.close());

const everything = "{path: ., namespaces: ['*'], secrets: ['*'], max_risk: critical}";
const shopIn = (namespace: string, more = "") => `{path: teams/shop, namespaces: [${namespace}]${more}}`;

/** One that is in use: what exceeds its scope is in it, and has to be refused. */
function catalogOf(files: Readonly<Record<string, string>>, ...scopes: readonly string[]): Catalog {
  const { config } = readConfig(`scopes: [${scopes.join(", ")}]`, "gitmend.yaml", {});
  const texts = Object.entries(files).map(([path, text]) => ({ path, text }));
  const bounded = config === null ? [] : scopesOf(config);
  const { catalog, findings } = compileCatalog(texts, "main@sha1:0", actions, bounded, true);
  if (catalog === null) throw new Error(JSON.stringify(findings));
  return catalog;
}

const restart = (name: string, more = "") =>
  `name: ${name}\nsteps: [{name: restart, action: {action: restart_pod, parameters: {pod: "{{ subject.name }}"${more}}}}]\nconfiguration: {cooldown: 0s}\n`;
const rules = (policy: string, ...lines: readonly string[]) =>
  `name: ${policy}\nrules:\n${lines.map((line) => `  - ${line}\n`).join("")}`;
const choose = (alert: string, template: string, more = "") =>
  `{name: choose, on: [${alert}]${more}, event: {type: select-template, params: {template: ${template}}}}`;

interface Decided {
  readonly plan: Plan;
  readonly gate: Gate;
  readonly id: string;
  readonly previews: number;
}

async function decided(alert: Alert, catalog: Catalog): Promise<Decided> {
  await world.receive(alert);
  const { executionId, reasons } = await world.decide(alert, catalog);
  if (executionId === null) throw new Error(`no execution: ${reasons.join("; ")}`);
  const events = await world.database.executions.events(executionId);
  const planned = events.map(({ event }) => event).find((event) => event.type === "Planned");
  const gated = events.map(({ event }) => event).find((event) => event.type === "GateDecided");
  if (planned?.type !== "Planned" || gated?.type !== "GateDecided") throw new Error("no plan");
  return { plan: planned.plan, gate: gated.gate, id: executionId, previews: planned.previews.length };
}

const reasonsOf = ({ gate }: Decided) => gate.reasons.map(({ rule, reason }) => `${rule}: ${reason}`);

describe("a plan from a team's folder", () => {
  it("within its scope goes, and says by whose power", async () => {
    const alert = await world.alertFor("Within", "within");
    const files = {
      "teams/shop/templates/t.yaml": restart("within"),
      "teams/shop/policies/p.yaml": rules("p", choose("Within", "within")),
    };
    const { plan, gate } = await decided(
      alert,
      catalogOf(files, everything, shopIn(world.cluster.namespace)),
    );
    expect(gate.kind).toBe("open");
    expect(plan.scopes?.map(({ path }) => path)).toEqual(["teams/shop"]);
  });

  it("that computes another namespace when the alert fires is refused, before anything is read or tried there", async () => {
    const alert = await world.alertFor("Computed", "computed");
    const computed = `, namespace: "{{ params.where }}"`;
    const files = {
      "teams/shop/templates/t.yaml": `${restart("computed", computed)}parameters: {where: {type: string, default: pay}}\n`,
      "teams/shop/policies/p.yaml": rules(
        "p",
        `{name: choose, on: [Computed], event: {type: select-template, params: {template: computed, parameters: {where: "{{ 'pay' + 'ments' }}"}}}}`,
      ),
    };
    const touched: string[] = [];
    const tools: ActionTools = {
      ...world.cluster.tools,
      cluster: (name) => told(world.cluster.tools.cluster(name), touched),
    };
    const clusters = { names: ["test"], labels: () => ({}), tools: () => tools };
    await world.receive(alert);
    const catalog = catalogOf(files, everything, shopIn(world.cluster.namespace));
    const { executionId } = await world.decide(alert, catalog, world.ports({ clusters }));
    const events = await world.database.executions.events(executionId ?? "");
    const gate = events.map(({ event }) => event).find((event) => event.type === "GateDecided");
    expect(gate).toMatchObject({
      gate: {
        kind: "refused",
        reasons: [
          {
            rule: "built-in/scope",
            reason: `test/payments/pod/${alert.labels["pod"]} is outside of scope teams/shop of gitmend.yaml`,
          },
        ],
      },
    });
    expect(touched.filter((line) => !line.startsWith("get"))).toEqual([]);
  });

  it("chosen by another folder has the power that both have in common", async () => {
    const alert = await world.alertFor("Common", "common");
    const { namespace } = world.cluster;
    const files = {
      "templates/t.yaml": restart("common", `, namespace: "{{ subject.namespace }}"`),
      "teams/shop/policies/p.yaml": rules("p", choose("Common", "common")),
    };
    const narrow = "{path: ., namespaces: [payments], max_risk: high}";
    const within = await decided(alert, catalogOf(files, everything, shopIn(namespace)));
    expect(within.plan.scopes?.map(({ path }) => path)).toEqual([".", "teams/shop"]);
    expect(within.gate.kind).toBe("open");
    await world.end(within.id, "failed");
    const refused = await decided(
      { ...alert, fingerprint: "common-2" },
      catalogOf(files, narrow, shopIn(namespace)),
    );
    expect(refused.gate.kind).toBe("refused");
    expect(reasonsOf(refused)[0]).toContain("is outside of scope . of gitmend.yaml");
    expect(refused.previews).toBe(0);
  });
});

describe("a rule of a team's folder", () => {
  it("does not take the alerts of others away from their remedies, whatever its priority", async () => {
    const alert = await world.alertFor("Hijacked", "hijacked");
    const files = {
      "templates/t.yaml": restart("right"),
      "policies/p.yaml": rules("p", choose("Hijacked", "right")),
      "teams/evil/templates/t.yaml": restart("wrong"),
      "teams/evil/policies/e.yaml": rules(
        "e",
        choose("Hijacked", "wrong", ", priority: 1000"),
        "{name: quiet, on: [Hijacked], priority: 999, event: {type: escalate, params: {severity: info, message: nothing}}}",
        "{name: open, on: [Hijacked], priority: 998, when: \"owner.team == 'x'\", event: {type: select-template, params: {template: wrong}}}",
      ),
    };
    const { plan } = await decided(
      alert,
      catalogOf(files, everything, "{path: teams/evil, namespaces: [evil]}"),
    );
    expect(plan.template.name).toBe("right");
  });
});

describe("a guard of a team's folder", () => {
  const guarded = (namespace: string) => ({
    "templates/t.yaml": restart("guarded"),
    "policies/p.yaml": rules("p", choose("Guarded", "guarded")),
    [`teams/${namespace}/policies/e.yaml`]: rules(
      "e",
      "{name: no, when: 'true', event: {type: deny, params: {reason: not on our things}}}",
    ),
  });

  it("holds plans that touch its namespaces, and nobody else's", async () => {
    const alert = await world.alertFor("Guarded", "guarded");
    const { namespace } = world.cluster;
    const scopes = [
      everything,
      `{path: teams/own, namespaces: [${namespace}]}`,
      "{path: teams/other, namespaces: [other]}",
    ];
    const other = await decided(alert, catalogOf(guarded("other"), ...scopes));
    expect(other.gate.kind).toBe("open");
    await world.end(other.id, "failed");
    const own = await decided({ ...alert, fingerprint: "guarded-2" }, catalogOf(guarded("own"), ...scopes));
    expect(own.gate.kind).toBe("refused");
    expect(reasonsOf(own)[0]).toContain("e/no: not on our things");
  });
});

describe("what exceeds its scope in a catalog that is in use", () => {
  it("is refused plan by plan: actions, risks and credentials", async () => {
    const alert = await world.alertFor("Beyond", "beyond");
    const { namespace } = world.cluster;
    const job = `name: beyond\nsteps: [{name: j, action: {action: run_job, parameters: {image: a, cpu: 100m, memory: 64Mi, env: {T: {secret: root, key: k}}}}}]\n`;
    const files = {
      "teams/shop/templates/t.yaml": job,
      "teams/shop/policies/p.yaml": rules("p", choose("Beyond", "beyond")),
    };
    const scope = shopIn(namespace, ", actions: ['get_*'], max_risk: low");
    const { gate, previews } = await decided(alert, catalogOf(files, scope));
    const name = "scope teams/shop of gitmend.yaml";
    expect(gate.reasons.map(({ reason }) => reason)).toEqual([
      `${name} does not allow run_job`,
      `${name} does not list "root" under secrets`,
      `its risk is medium; ${name} allows low at most`,
    ]);
    expect(previews).toBe(0);
  });

  it("has no power where no scope covers it, or its folder only looks like one that has", async () => {
    const alert = await world.alertFor("Uncovered", "uncovered");
    const { namespace } = world.cluster;
    const files = {
      "teams/shop/policies/p.yaml": rules("p", choose("Uncovered", "uncovered")),
      "teams/Shop/templates/t.yaml": restart("uncovered"),
      "teams/Shop/policies/q.yaml": rules("q", choose("Uncovered", "uncovered", ", priority: 9")),
    };
    const decision = await decided(alert, catalogOf(files, everything, shopIn(namespace)));
    expect(decision.gate.reasons[0]).toEqual({
      rule: "built-in/scope",
      effect: "deny",
      reason: "gitmend.yaml has no scope for teams/Shop/templates/t.yaml",
    });
    const events = await world.database.executions.events(decision.id);
    expect(events[0]?.event).toMatchObject({ match: { rule: "p/choose" } });
  });

  it("lifts no approval and holds nothing back", async () => {
    const alert = await world.alertFor("Waived", "waived");
    const { namespace } = world.cluster;
    const waive =
      "{name: w, when: 'true', event: {type: waive-approval, params: {max_risk: critical, reason: r}}}";
    const needs = `dependencies: [{name: d, of: {namespace: ${namespace}, kind: Deployment, names: [waived]}, on: {namespace: ${namespace}, kind: Deployment, name: missing}, hold: 15m}]\n`;
    const files = {
      "templates/t.yaml": `risk: high\n${restart("waived")}`,
      "policies/p.yaml": rules("p", choose("Waived", "waived")),
      "teams/evil/policies/e.yaml": `${rules("e", waive)}${needs}`,
    };
    const evil = "{path: teams/evil, namespaces: [evil], max_risk: critical}";
    const { gate } = await decided(alert, catalogOf(files, everything, evil));
    expect(gate.kind).toBe("approval");
  });
});

describe("a plan that people change in its request", () => {
  const template = (name: string) =>
    `name: ${name}\nparameters: {where: {type: string, default: here}}\nsteps: [{name: restart, action: {action: restart_pod, parameters: {pod: "{{ subject.name }}", namespace: "{{ params.where == 'here' ? subject.namespace : params.where }}"}}}]\nconfiguration: {cooldown: 0s}\n`;

  it("keeps to the scopes that it had, wherever its template has moved to since", async () => {
    const alert = await world.alertFor("Edited", "edited");
    const { namespace } = world.cluster;
    const scopes = [everything, shopIn(namespace)];
    const policies = { "policies/p.yaml": rules("p", choose("Edited", "edited")) };
    const made = await decided(
      alert,
      catalogOf({ "teams/shop/templates/t.yaml": template("edited"), ...policies }, ...scopes),
    );
    const state = fold(await world.database.executions.events(made.id));
    const moved = catalogOf({ "templates/t.yaml": template("edited"), ...policies }, ...scopes);
    const again = (where: string) =>
      replan(made.id, state, { where }, moved, world.cluster.tools, world.ports());
    expect((await again("here")).gate.kind).toBe("open");
    const beyond = await again("payments");
    expect(beyond.plan.scopes?.map(({ path }) => path)).toEqual(["teams/shop", "."]);
    expect(beyond.gate.kind).toBe("refused");
    expect(beyond.gate.reasons[0]?.reason).toContain("is outside of scope teams/shop of gitmend.yaml");
    expect(beyond.previews).toEqual([]);
  });
});

describe("between plan and first change", () => {
  const files = {
    "teams/shop/templates/t.yaml": restart("between"),
    "teams/shop/policies/p.yaml": rules("p", choose("Between", "between")),
  };
  let alert: Alert;
  let made: Decided;
  beforeAll(async () => {
    alert = await world.alertFor("Between", "between");
    made = await decided(alert, catalogOf(files, shopIn(world.cluster.namespace)));
  });
  const now = (...scopes: readonly string[]) =>
    weighNow(made.id, alert, made.plan, catalogOf(files, ...scopes), world.cluster.tools, world.ports());

  it("a scope that stays lets it begin, and one that got wider gives it nothing", async () => {
    expect((await now(shopIn(world.cluster.namespace))).kind).toBe("open");
    expect((await now(shopIn("'*'", ", max_risk: critical"))).kind).toBe("open");
  });

  it("a scope that was narrowed, taken away, or given another account refuses", async () => {
    const why = async (...scopes: readonly string[]) => (await now(...scopes)).reasons[0]?.reason;
    expect(await why(shopIn("elsewhere"))).toContain("is outside of scope teams/shop of gitmend.yaml");
    expect(await why(everything)).toBe("gitmend.yaml has no scope for teams/shop");
    expect(await why(shopIn(world.cluster.namespace, ", run_as: {user: root}"))).toBe(
      "run_as of scope teams/shop of gitmend.yaml was changed since the plan was made",
    );
  });

  it("a plan that is older than the scopes goes on as before", async () => {
    const { scopes: _none, ...plan } = made.plan;
    const gate = await weighNow(
      made.id,
      alert,
      plan,
      catalogOf(files, shopIn("elsewhere")),
      world.cluster.tools,
      world.ports(),
    );
    expect(gate.kind).toBe("open");
  });
});

/** Notes what is asked of the API, verb first. */
function told(api: ClusterApi, lines: string[]): ClusterApi {
  const entries = Object.entries(api).map(([verb, call]) => [
    verb,
    (...given: readonly unknown[]) => {
      lines.push(`${verb} ${JSON.stringify(given[0])}`);
      return (call as (...all: readonly unknown[]) => unknown)(...given);
    },
  ]);
  return Object.fromEntries(entries) as ClusterApi;
}
