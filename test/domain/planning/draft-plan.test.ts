// What a template becomes for one incident, before anything is asked of a cluster.
import { describe, expect, it } from "vitest";
import { actions } from "../../../src/actions/registry.ts";
import { factScope } from "../../../src/domain/expressions/scope.ts";
import type { Facts } from "../../../src/domain/facts/facts.ts";
import type { Subject } from "../../../src/domain/facts/objects.ts";
import type { Json } from "../../../src/domain/json.ts";
import { type DraftPlan, draftFallback, draftPlan } from "../../../src/domain/planning/draft-plan.ts";
import { everyStep } from "../../../src/domain/planning/plan.ts";
import { sealPlan } from "../../../src/domain/planning/seal-plan.ts";
import { compileCatalog } from "../../../src/domain/policies/compile-catalog.ts";
import { Problem } from "../../../src/domain/problem.ts";
import type { Template } from "../../../src/domain/templates/template.ts";
import { givenFacts, givenTarget } from "../../fixtures/facts.ts";

const byName = new Map(actions.map((action) => [action.name, action]));
const pod = (name: string): Subject => ({ kind: "Pod", namespace: "shop", name, container: null });

function templateOf(text: string): Template {
  const { catalog, findings } = compileCatalog([{ path: "templates/t.yaml", text }], "main@sha1:0", actions);
  if (catalog === null) throw new Error(JSON.stringify(findings));
  return catalog.templates.get("t")!;
}

function draft(text: string, facts: Partial<Facts> = {}, parameters: Record<string, Json> = {}): DraftPlan {
  const template = templateOf(text);
  return draftPlan({ template, parameters, ...situation(facts) });
}

function situation(facts: Partial<Facts> = {}) {
  return { scope: factScope(givenFacts(facts)), target: givenTarget(), actions: byName };
}

function problemOf(run: () => unknown): Problem {
  try {
    run();
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

const order = ({ steps }: Pick<DraftPlan, "steps">) =>
  Object.fromEntries(steps.map(({ name, dependsOn }) => [name, dependsOn]));

describe("the time that a step may take", () => {
  it.each([
    ["what it waits for, and half a minute", "parameters: {wait_timeout: 90s}", 120],
    ["what its action waits for by default, and half a minute", "parameters: {}", 330],
  ])("is %s", (_what, parameters, seconds) => {
    const plan = draft(`
name: t
steps:
  - {name: check, action: {action: validate_pod_health, ${parameters}}}
`);
    expect(plan.steps[0]?.timeoutSeconds).toBe(seconds);
  });
});

describe("a step for each subject", () => {
  const text = `
name: t
steps:
  - {name: look, action: {action: get_pod_status}}
  - name: restart
    for_each: subjects
    action: {action: restart_pod, parameters: {namespace: "{{ subject.namespace }}", pod: "{{ subject.name }}"}}
  - {name: validate, action: {action: validate_pod_health}}
`;
  const three = { available: true, value: [pod("api-0"), pod("api-1"), pod("api-2")] } as const;

  it("is planned once for each, and what comes after it waits for all", () => {
    const plan = draft(text, { subjects: three });
    expect(order(plan)).toEqual({
      look: [],
      "restart[0]": ["look"],
      "restart[1]": ["look"],
      "restart[2]": ["look"],
      validate: ["restart[0]", "restart[1]", "restart[2]"],
    });
    expect(plan.steps.map(({ subject, call }) => [subject?.name ?? null, call.input["pod"] ?? null])).toEqual(
      [
        [null, null],
        ["api-0", "api-0"],
        ["api-1", "api-1"],
        ["api-2", "api-2"],
        [null, null],
      ],
    );
  });

  it("makes no plan when the alert names no object: a plan that does nothing would look like a success", () => {
    const problem = problemOf(() => draft(text, { subjects: { available: true, value: [] } }));
    expect(problem).toMatchObject({ code: "PARAMETER_INVALID", retryable: false });
    expect(problem.message).toMatch(/step restart is for each subject, but the alert names no object/);
  });

  it("is tried again later when nobody can tell which subjects there are", () => {
    const problem = problemOf(() => draft(text, { subjects: { available: false, why: "away" } }));
    expect(problem).toMatchObject({ code: "EXPRESSION_FAILED", retryable: true });
  });

  it("is refused when there would be thousands of steps", () => {
    const value = Array.from({ length: 999 }, (_, index) => pod(`api-${index}`));
    expect(problemOf(() => draft(text, { subjects: { available: true, value } })).message).toMatch(
      /t would have 1001 steps for all its subjects; at most 1000 are allowed/,
    );
  });
});

describe("conditions of the whole workflow", () => {
  const text = `
name: t
validation:
  preconditions: ["target.kind == 'Deployment'"]
  success: ["steps['b'].output.healthy"]
steps:
  - {name: a, action: {action: get_pod_status}}
  - {name: b, action: {action: validate_pod_health}}
  - {name: c, parallel: true, action: {action: get_pod_status}}
`;

  it("stand before every step that waits for none and after every step that none waits for", () => {
    const plan = draft(text);
    expect(order(plan)).toEqual({
      "workflow/preconditions": [],
      a: ["workflow/preconditions"],
      b: ["a"],
      c: ["workflow/preconditions"],
      "workflow/success": ["b", "c"],
    });
    expect(plan.steps[0]).toMatchObject({
      call: { action: "check_conditions", input: {} },
      preconditions: ["target.kind == 'Deployment'"],
      changes: false,
    });
    expect(plan.steps.at(-1)).toMatchObject({ postconditions: ["steps['b'].output.healthy"] });
  });

  it("are no steps where there are none", () => {
    expect(draft("name: t\nsteps: [{name: a, action: {action: get_pod_status}}]").steps).toHaveLength(1);
  });
});

describe("what is done finally", () => {
  it("runs in order, under names of its own, and is never taken back", () => {
    const plan = draft(`
name: t
steps: [{name: scale, action: {action: scale_deployment, parameters: {replicas: 3}}}]
finally:
  - {name: uncordon, action: {action: uncordon_node, parameters: {node: node-1}}}
  - {name: tell, action: {action: notify_team, parameters: {message: done}}}
`);
    expect(plan.finally.map(({ name, dependsOn, undo }) => [name, dependsOn, undo.how])).toEqual([
      ["finally/uncordon", [], "nothing"],
      ["finally/tell", ["finally/uncordon"], "nothing"],
    ]);
    expect(everyStep(plan).map(({ name }) => name)).toEqual(["scale", "finally/uncordon", "finally/tell"]);
  });
});

describe("a fallback", () => {
  const template = templateOf(`
name: t
parameters: {count: {type: integer, default: 3}, reason: {type: string, default: why}}
steps:
  - {name: scale, action: {action: scale_deployment, parameters: {replicas: "{{ params.count }}"}}}
  - {name: look, action: {action: get_pod_status}}
finally: [{name: tell, action: {action: notify_team, parameters: {message: "{{ params.reason }}"}}}]
`);

  it("gets the parameters of the same names, then its own defaults, and names that cannot clash", () => {
    const plan = draftFallback({ count: 7, other: "x" }, { template, ...situation() });
    expect(plan.parameters).toEqual({ count: 7, reason: "why" });
    expect(order(plan)).toEqual({ "fallback/scale": [], "fallback/look": ["fallback/scale"] });
    expect(plan.finally.map(({ name }) => name)).toEqual(["fallback/finally/tell"]);
  });

  it("counts in risk, approval and digest of the whole plan", () => {
    const risky = templateOf(
      "name: t\nrisk: high\nsteps: [{name: a, approval: required, action: {action: get_pod_status}}]",
    );
    const main = draftPlan({ template, parameters: {}, ...situation() });
    const fallback = sealPlan(draftFallback({}, { template: risky, ...situation() }), "high", [], byName);
    const alone = sealPlan(main, template.risk, [], byName);
    const whole = sealPlan({ ...main, fallback }, template.risk, [], byName);
    expect([alone.risk, alone.approvalRequired]).toEqual(["low", false]);
    expect([whole.risk, whole.approvalRequired]).toEqual(["high", true]);
    expect(whole.digest).not.toBe(alone.digest);
    expect(whole.touches.actions).toContain("get_pod_status");
  });
});

describe("values that fill in a plan", () => {
  const restart = (value: string) =>
    `name: t\nsteps: [{name: a, action: {action: restart_pod, parameters: {pod: "${value}"}}}]`;

  it.each(["../../secrets/x", "API", "a b", "", "пример"])("%j is no name of a pod", (name) => {
    const facts = { subject: { available: true, value: pod(name) } } as const;
    expect(problemOf(() => draft(restart("{{ subject.name }}"), facts))).toMatchObject({
      code: "PARAMETER_INVALID",
    });
  });

  it("say what was given when it is refused", () => {
    const facts = { subject: { available: true, value: pod("a;b") } } as const;
    expect(problemOf(() => draft(restart("{{ subject.name }}"), facts)).message).toMatch(
      /^restart_pod: pod must match pattern .*, not "a;b"$/,
    );
  });

  it("leave a parameter out when they come to null, so that the action's default holds", () => {
    const [step] = draft(
      'name: t\nsteps: [{name: a, action: {action: collect_logs, parameters: {container: "{{ subject.container }}"}}}]',
    ).steps;
    expect(step?.call.input).toEqual({});
  });

  it("cut free text to what the action takes: a long annotation stops no remedy", () => {
    const text =
      'name: t\nsteps: [{name: a, action: {action: notify_team, parameters: {message: m, title: "{{ alert.annotations.summary }}"}}}]';
    const alert = { ...givenFacts().alert, annotations: { summary: "x".repeat(5_000) } };
    const title = draft(text, { alert }).steps[0]?.call.input["title"];
    expect(title).toHaveLength(200);
  });

  it("stay as they are until the step that they read has run", () => {
    const [, step] = draft(`
name: t
steps:
  - {name: look, action: {action: get_pod_status}}
  - {name: scale, action: {action: scale_deployment, parameters: {replicas: "{{ steps['look'].output.restarts }}"}}}
`).steps;
    expect(step?.call.input).toEqual({ replicas: "{{ steps['look'].output.restarts }}" });
  });

  it("may be relative where the action takes a quantity, with expressions inside", () => {
    const text = `
name: t
parameters: {most: {type: integer, default: 20}}
steps: [{name: a, action: {action: scale_deployment, parameters: {replicas: {add: 2, max: "{{ params.most }}"}}}}]
`;
    expect(draft(text).steps[0]?.call.input).toEqual({ replicas: { add: 2, max: 20 } });
    expect(problemOf(() => draft(text, {}, { most: 5_000 }))).toMatchObject({ code: "PARAMETER_INVALID" });
  });

  it("of a policy are held against the template's parameters", () => {
    const text =
      "name: t\nparameters: {n: {type: integer}}\nsteps: [{name: a, action: {action: get_pod_status}}]";
    expect(problemOf(() => draft(text)).message).toBe(
      "parameters of template t: must have required property 'n'",
    );
    expect(problemOf(() => draft(text, {}, { n: 1, m: 2 })).message).toMatch(/additional properties \(m\)/);
  });
});

describe("checks of the effect", () => {
  it("are filled in when the plan is made, quoted, so that they are what people approve", () => {
    const plan = draft(`
name: t
steps: [{name: a, action: {action: get_pod_status}}]
effectiveness:
  delay: 20m
  checks:
    - promql: sum(rate(errors{namespace={{ promql(target.namespace) }},pod=~{{ promql(alert.labels.pod + '.*') }}}[5m]))
      expect: value < 0.05
`);
    expect(plan.assessment).toEqual({
      delaySeconds: 1_200,
      checks: [{ promql: 'sum(rate(errors{namespace="shop",pod=~"api-0.*"}[5m]))', expect: "value < 0.05" }],
    });
  });
});
