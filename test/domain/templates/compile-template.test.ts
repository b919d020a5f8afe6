// Templates that must not get into a catalog, and what their authors are told.
import { describe, expect, it } from "vitest";
import { actions } from "../../../src/actions/registry.ts";
import { compileCatalog } from "../../../src/domain/policies/compile-catalog.ts";
import type { Template } from "../../../src/domain/templates/template.ts";

function compile(text: string) {
  const { catalog, findings } = compileCatalog([{ path: "templates/t.yaml", text }], "main@sha1:0", actions);
  const lines = findings.map(({ line, column, code, message }) => `${line}:${column} ${code} ${message}`);
  return { template: catalog?.templates.get("t") ?? null, lines };
}

const steps = (text: string, head = "") => `name: t\n${head}steps:\n${text}`;

function compiled(text: string): Template {
  const { template, lines } = compile(text);
  expect(lines).toEqual([]);
  if (template === null) throw new Error("no template");
  return template;
}

describe("what must not last", () => {
  const suspended = `
  - {name: suspend, action: {action: suspend_gitops, parameters: {kind: Kustomization, namespace: flux-system, name: apps}}}
`;
  const resume = (name: string, more = "") =>
    `finally:\n  - {name: resume, ${more}action: {action: resume_gitops, parameters: {kind: Kustomization, namespace: flux-system, name: ${name}}}}\n`;

  it("is taken back in finally, on the same object", () => {
    expect(compiled(steps(suspended, resume("apps"))).finally).toHaveLength(1);
  });

  it.each([
    ["nothing takes it back", ""],
    ["another object is", resume("other")],
    ["only sometimes", resume("apps", "conditions: [\"alert.severity == 'critical'\"], ")],
  ])("is refused when %s", (_why, last) => {
    const { lines, template } = compile(steps(suspended, last));
    expect(template).toBeNull();
    expect(lines.join()).toMatch(
      /NOT_TAKEN_BACK what suspend_gitops does must not last: add a step to finally/,
    );
  });
});

describe("the order of steps", () => {
  it("is the order in which they stand, unless they say otherwise", () => {
    const { steps: found } = compiled(
      steps(`
  - {name: a, action: {action: get_pod_status}}
  - {name: b, action: {action: get_pod_status}}
  - {name: c, parallel: true, action: {action: get_pod_status}}
  - {name: d, depends_on: [a, c], action: {action: get_pod_status}}
  - {name: e, depends_on: [], action: {action: get_pod_status}}
`),
    );
    expect(found.map(({ dependsOn }) => dependsOn)).toEqual([[], ["a"], [], ["a", "c"], []]);
  });

  it("is refused when steps wait for each other", () => {
    const { lines } = compile(
      steps(`
  - {name: a, depends_on: [c], action: {action: get_pod_status}}
  - {name: b, depends_on: [a], action: {action: get_pod_status}}
  - {name: c, depends_on: [b], action: {action: get_pod_status}}
`),
    );
    expect(lines).toEqual(["4:27 CYCLE steps wait for each other and can never start: a -> c -> b -> a"]);
  });

  it("is refused when it names a step that is not there, or a name stands twice", () => {
    const { lines } = compile(
      steps(`
  - {name: assess, action: {action: get_pod_status}}
  - {name: assess, depends_on: [asses], action: {action: get_pod_status}}
`),
    );
    expect(lines).toEqual([
      '5:12 DUPLICATE_NAME step 1 is called "assess" too',
      '5:33 UNKNOWN_STEP there is no step "asses"; did you mean "assess"?',
    ]);
  });

  it("is worked out for 500 steps that all depend on all before them, in a moment", () => {
    const many = Array.from({ length: 500 }, (_, index) => {
      const before = Array.from({ length: index }, (__, other) => `s${other}`).slice(-40);
      return `  - {name: s${index}, depends_on: [${before.join(", ")}], action: {action: get_pod_status}}`;
    });
    expect(compiled(steps(many.join("\n"))).steps).toHaveLength(500);
  });
});

describe("the name of a template", () => {
  it("may not be the one that gitmend gives its own escalations", () => {
    const step = "  - {name: a, action: {action: get_pod_status}}";
    expect(compile(`name: escalate-to-people\nsteps:\n${step}\n`).lines).toEqual([
      `1:7 RESERVED_NAME "escalate-to-people" is gitmend's own: choose another name`,
    ]);
  });
});

describe("an action call", () => {
  it("is kept under canonical names", () => {
    const [step] = compiled(
      steps("  - {name: a, action: {action: RestartPod, parameters: {name: api-0, grace_seconds: 5}}}"),
    ).steps;
    expect(step?.call).toEqual({
      action: "restart_pod",
      parameters: { pod: "api-0", grace_period_seconds: 5 },
    });
  });

  it.each([
    ["{action: restart_pot}", 'UNKNOWN_ACTION there is no action "restart_pot"; did you mean "restart_pod"?'],
    [
      "{type: monitoring, action: restart_pod}",
      "WRONG_TYPE restart_pod is of type kubernetes, not monitoring",
    ],
    [
      "{action: restart_pod, parameters: {pood: x}}",
      'UNKNOWN_PARAMETER restart_pod has no parameter "pood"; did you mean "pod"?',
    ],
    [
      "{action: restart_pod, parameters: {pod: x, name: y}}",
      'DUPLICATE_NAME "name" is another spelling of "pod", which is given too',
    ],
    [
      "{action: restart_pod, parameters: {grace_period_seconds: soon}}",
      'WRONG_TYPE "grace_period_seconds" of restart_pod: must be integer',
    ],
    [
      '{action: restart_pod, parameters: {grace_period_seconds: "{{ alert.name }}"}}',
      'WRONG_TYPE "grace_period_seconds" must be integer; the expression gives string',
    ],
    [
      '{action: restart_pod, parameters: {pod: "{{ alert.nmae }}"}}',
      'EXPRESSION alert has no "nmae"; did you mean "name"?',
    ],
    ["{action: scale_deployment}", 'MISSING_PARAMETER scale_deployment needs "replicas"'],
  ])("%s is refused", (call, expected) => {
    const { lines } = compile(`name: t\nsteps: [{name: a, action: ${call}}]`);
    expect(lines.map((line) => line.replace(/^\S+ /, ""))).toEqual([expected]);
  });
});

describe("text does not choose objects", () => {
  const base = "  - {name: a, action: {action: get_pod_status}}\n";
  const call = (action: string) => compile(steps(`${base}  - {name: b, action: ${action}}`)).lines;

  it.each([
    [
      '{action: restart_pod, parameters: {pod: "{{ alert.annotations.pod }}"}}',
      /annotations are free text: "pod"/,
    ],
    [
      "{action: restart_pod, parameters: {pod: \"{{ get(alert, 'annotations', '') }}\"}}",
      /annotations are free text/,
    ],
    [
      "{action: restart_pod, parameters: {pod: \"{{ alert['annot' + 'ations'].pod }}\"}}",
      /annotations are free text/,
    ],
    [
      "{action: restart_pod, parameters: {pod: \"{{ steps['a'].output.pod }}\"}}",
      /fixed when the plan is made/,
    ],
    ["{action: collect_logs, parameters: {previous: \"{{ steps['a'].output.waiting_reason }}\"}}", /^$/],
    [
      '{action: notify_team, parameters: {message: m, severity: "{{ alert.annotations.severity }}"}}',
      /annotations are free text: "severity"/,
    ],
  ])("%s", (action, expected) => {
    const [line = ""] = call(action);
    expect(line.replace(/^.*TEXT_CHOOSES /, "")).toMatch(expected);
  });

  it("but fills in what is meant for text, and numbers from earlier steps", () => {
    expect(
      call(
        "{action: notify_team, parameters: {message: \"{{ alert.annotations.summary }} {{ steps['a'].output.phase }}\"}}",
      ),
    ).toEqual([]);
    expect(
      call("{action: scale_deployment, parameters: {replicas: \"{{ steps['a'].output.restarts }}\"}}"),
    ).toEqual([]);
    expect(
      call("{action: scale_deployment, parameters: {replicas: \"{{ steps['a'].output.phase }}\"}}")[0],
    ).toMatch(/TEXT_CHOOSES/);
  });

  it("nor decides a condition", () => {
    const { lines } = compile(
      steps(
        "  - {name: a, conditions: [\"alert.annotations.go == 'yes'\"], action: {action: get_pod_status}}",
      ),
    );
    expect(lines).toEqual(["3:29 TEXT_CHOOSES annotations are free text: nothing is decided by them"]);
  });
});

describe("what expressions refer to", () => {
  it("is checked against steps, outputs and parameters", () => {
    const { lines } = compile(
      steps(
        `  - {name: a, action: {action: get_pod_status}}
  - name: b
    conditions: ["steps['a'].output.restart > 3", "steps['z'].output.x == 1", "params.limits > 1"]
    postconditions: ["output.redy"]
    action: {action: restart_pod}
  - name: c
    depends_on: [a]
    conditions: ["steps['b'].output.ready"]
    action: {action: get_pod_status}
`,
        "parameters: {limit: {type: integer, default: 3}}\n",
      ),
    );
    expect(lines).toEqual([
      '6:19 EXPRESSION the output has no "restart"; did you mean "restarts"?',
      '6:52 EXPRESSION there is no step "z"',
      '6:80 EXPRESSION the template has no parameter "limits"; did you mean "limit"?',
      '7:23 EXPRESSION the output has no "redy"; did you mean "ready"?',
      '11:19 EXPRESSION "b" need not have ended before this step: name it in depends_on',
    ]);
  });

  it("must come to true or false in a condition", () => {
    expect(
      compile(steps('  - {name: a, preconditions: ["1 + 1"], action: {action: get_pod_status}}')).lines,
    ).toEqual(["3:32 EXPRESSION gives integer, but boolean is needed here"]);
  });
});

describe("risk and limits", () => {
  it("is the highest of its actions, alternatives and rollbacks included", () => {
    expect(
      compiled(
        steps(
          "  - {name: a, action: {action: get_pod_status}, alternatives: [{action: rollback_deployment}]}",
        ),
      ).risk,
    ).toBe("medium");
  });

  it("cannot be declared lower than that", () => {
    expect(
      compile(steps("  - {name: a, action: {action: rollback_deployment}}", "risk: low\n")).lines,
    ).toEqual(["2:7 RISK_TOO_LOW the risk is at least medium, because of rollback_deployment"]);
    expect(compiled(steps("  - {name: a, action: {action: get_pod_status}}", "risk: high\n")).risk).toBe(
      "high",
    );
  });

  it("durations become seconds, and nothing may take no time at all", () => {
    const template = compiled(
      steps(
        "  - {name: a, timeout: 1m30s, retry: {attempts: 5, backoff: 1s}, action: {action: get_pod_status}}",
        "configuration: {cooldown: 1h}\n",
      ),
    );
    expect(template).toMatchObject({ timeoutSeconds: 900, maxParallel: 4, cooldownSeconds: 3_600 });
    expect(template.steps[0]).toMatchObject({
      timeoutSeconds: 90,
      retry: { attempts: 5, backoffSeconds: 1, maxBackoffSeconds: 30 },
    });
    expect(compile(steps("  - {name: a, timeout: 0s, action: {action: get_pod_status}}")).lines).toEqual([
      "3:24 WRONG_VALUE must be longer than 0s",
    ]);
  });

  it("defaults of parameters have the parameter's type", () => {
    expect(
      compile(
        steps(
          "  - {name: a, action: {action: get_pod_status}}",
          "parameters: {n: {type: integer, default: many}}\n",
        ),
      ).lines,
    ).toEqual(['2:42 WRONG_TYPE the default of "n": must be integer']);
  });
});

describe("the hash of a template", () => {
  it("does not depend on comments, order of keys or formatting, but on everything else", () => {
    const one = compiled("name: t\nsteps: [{name: a, action: {action: get_pod_status}}]\n");
    const same = compiled("# why\nsteps:\n  - action: {action: get_pod_status}\n    name: a\nname: t\n");
    const other = compiled("name: t\nsteps: [{name: b, action: {action: get_pod_status}}]\n");
    expect(same.hash).toBe(one.hash);
    expect(other.hash).not.toBe(one.hash);
  });
});
