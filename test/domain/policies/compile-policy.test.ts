// Policies that must not get into a catalog, and what their authors are told.
import { describe, expect, it } from "vitest";
import { actions } from "../../../src/actions/registry.ts";
import { compileCatalog } from "../../../src/domain/policies/compile-catalog.ts";
import { factsNeeded } from "../../../src/domain/policies/facts-needed.ts";

const template = {
  path: "templates/restart.yaml",
  text: `name: restart
parameters:
  pod: {type: string, default: ""}
  note: {type: string, default: ""}
  seconds: {type: integer, default: 30, maximum: 60}
steps:
  - name: a
    action: {action: restart_pod, parameters: {pod: "{{ params.pod }}", grace_period_seconds: "{{ params.seconds }}", reason: "{{ params.note }}"}}
`,
};
const restart = "{type: select-template, params: {template: restart}}";

function compile(...rules: readonly string[]) {
  const text = `name: p\nrules:\n${rules.map((rule) => `  - ${rule}\n`).join("")}`;
  return compileText(text);
}

function compileText(text: string) {
  const files = [template, { path: "policies/p.yaml", text }];
  const { catalog, findings } = compileCatalog(files, "main@sha1:0", actions);
  return {
    catalog,
    lines: findings.map(({ line, column, code, message }) => `${line}:${column} ${code} ${message}`),
  };
}

describe("a selection rule", () => {
  it.each([
    [
      "{name: r, event: {type: select-template, params: {template: restrat}}}",
      /UNKNOWN_TEMPLATE there is no template "restrat"; did you mean "restart"\?/,
    ],
    [
      "{name: r, event: {type: select-template, params: {template: restart, parameters: {secs: 1}}}}",
      /UNKNOWN_PARAMETER template "restart" has no parameter "secs"/,
    ],
    [
      "{name: r, event: {type: select-template, params: {template: restart, parameters: {seconds: 61}}}}",
      /WRONG_TYPE parameter "seconds": must be <= 60/,
    ],
    ["{name: r, when: \"plan.risk == 'low'\", event: EVENT}", /PLAN_IN_SELECTION there is no plan yet/],
    [
      "{name: r, conditions: {fact: plan, path: $.risk, operator: equal, value: low}, event: EVENT}",
      /PLAN_IN_SELECTION there is no plan yet/,
    ],
    [
      "{name: r, when: alert.nmae == 'x', event: EVENT}",
      /EXPRESSION alert has no "nmae"; did you mean "name"\?/,
    ],
    ["{name: r, when: 1 + 1, event: EVENT}", /EXPRESSION gives integer, but boolean is needed/],
    [
      "{name: r, conditions: {fact: alert, path: $.lables.x, operator: equal, value: y}, event: EVENT}",
      /UNKNOWN_FIELD alert has no "lables"; did you mean "labels"\?/,
    ],
    [
      "{name: r, conditions: {fact: alert, path: labels.x, operator: equal, value: y}, event: EVENT}",
      /WRONG_VALUE "labels.x" is no path/,
    ],
    [
      "{name: r, conditions: {fact: alert, path: $.name, operator: equals, value: y}, event: EVENT}",
      /WRONG_VALUE "equals" is not one of .* did you mean "equal"\?/,
    ],
    [
      "{name: r, conditions: {fact: alert, path: $.name, operator: in, value: y}, event: EVENT}",
      /WRONG_VALUE "in" needs a list/,
    ],
    [
      "{name: r, conditions: {fact: alert, path: $.name, operator: matches, value: '(?=x)'}, event: EVENT}",
      /WRONG_VALUE .* no RE2 regular expression/,
    ],
    [
      "{name: r, conditions: {fact: target, operator: cel, value: target.kind}, event: EVENT}",
      /WRONG_VALUE "target" is not known here; there are value/,
    ],
    [
      "{name: r, conditions: {fact: alert, path: $.name, operator: equal}, event: EVENT}",
      /MISSING_KEY a comparison needs fact, operator and value; "value" is missing/,
    ],
    [
      "{name: r, conditions: {all: [{condition: x}], any: [{condition: x}]}, event: EVENT}",
      /WRONG_VALUE a condition is one of/,
    ],
    [
      "{name: r, conditions: {condition: is-prod}, event: EVENT}",
      /UNKNOWN_CONDITION there is no shared condition "is-prod"/,
    ],
    [
      "{name: r, conditions: {fact: alert, path: $.annotations.x, operator: equal, value: y}, event: EVENT}",
      /TEXT_CHOOSES annotations are free text/,
    ],
    ["{name: r, when: alert.annotations.x == 'y', event: EVENT}", /TEXT_CHOOSES annotations are free text/],
    [
      "{name: r, event: {type: escalate, params: {message: '{{ alert.nmae }}'}}}",
      /EXPRESSION alert has no "nmae"/,
    ],
  ])("%s is refused", (rule, expected) => {
    const { catalog, lines } = compile(rule.replace("EVENT", restart));
    expect(catalog).toBeNull();
    expect(
      lines.some((line) => expected.test(line)),
      lines.join("\n"),
    ).toBe(true);
  });

  it("may put an annotation into text, but not where it chooses an object", () => {
    const event = (name: string) =>
      `{name: r, event: {type: select-template, params: {template: restart, parameters: {${name}: "{{ alert.annotations.summary }}"}}}}`;
    expect(compile(event("note")).lines).toEqual([]);
    expect(compile(event("pod")).lines).toEqual([
      '3:96 TEXT_CHOOSES annotations are free text: parameter "pod" decides what the template does',
    ]);
  });
});

describe("two rules for one alert", () => {
  const rule = (name: string, rest: string) => `{name: ${name}, ${rest}, event: ${restart}}`;

  it("of the same priority are ambiguous, and both are shown", () => {
    const { lines } = compile(rule("a", "on: [X, Y]"), rule("b", "on: [Y, Z]"));
    expect(lines).toEqual([
      "3:5 AMBIGUOUS_SELECTION p/a and p/b (policies/p.yaml:4:5) have priority 1 and can match the same alert: give them different priorities",
      "4:5 AMBIGUOUS_SELECTION p/b and p/a (policies/p.yaml:3:5) have priority 1 and can match the same alert: give them different priorities",
    ]);
    expect(compile(rule("a", "on: [X]"), rule("b", "priority: 1")).lines).toHaveLength(2);
  });

  it.each([
    [rule("a", "on: [X]"), rule("b", "on: [Y]")],
    [rule("a", "on: [X]"), rule("b", "on: [X], priority: 2")],
    [
      rule("a", "on: [X], when: alert.labels.a == 'b'"),
      rule("b", "on: [X], when: \"!(alert.labels.a == 'b')\""),
    ],
    [
      rule("a", "on: [X], conditions: {fact: target, path: $.kind, operator: equal, value: Deployment}"),
      rule(
        "b",
        "on: [X], conditions: {fact: target, path: $.kind, operator: in, value: [StatefulSet, DaemonSet]}",
      ),
    ],
    [
      rule(
        "a",
        "on: [X], conditions: {all: [{fact: target, path: $.kind, operator: equal, value: Deployment}]}",
      ),
      rule(
        "b",
        "on: [X], conditions: {not: {fact: target, path: $.kind, operator: equal, value: Deployment}}",
      ),
    ],
    [
      rule("a", "conditions: {fact: alert, path: $.name, operator: equal, value: X}"),
      rule("b", "conditions: {fact: alert, path: $.labels.alertname, operator: equal, value: Y}"),
    ],
  ])("that exclude each other or differ in priority are fine", (one, other) => {
    expect(compile(one, other).lines).toEqual([]);
  });

  it("are found among 4,000 rules", () => {
    const rules = Array.from({ length: 3_999 }, (_, index) => rule(`r${index}`, `on: [A${index}]`));
    const files = [0, 1].map((part) => ({
      path: `policies/p${part}.yaml`,
      text: `name: p${part}\nrules:\n${[...rules.slice(part * 2_000, (part + 1) * 2_000), ...(part === 1 ? [rule("twin", "on: [A5]")] : [])].map((one) => `  - ${one}\n`).join("")}`,
    }));
    const { findings } = compileCatalog([template, ...files], "main@sha1:0", actions);
    expect(findings.map(({ code, file }) => `${code} ${file}`)).toEqual([
      "AMBIGUOUS_SELECTION policies/p0.yaml",
      "AMBIGUOUS_SELECTION policies/p1.yaml",
    ]);
  }, 60_000);
});

describe("a guard", () => {
  it("has no priority, and is told when it looks at the alert instead of the plan", () => {
    const { catalog, lines } = compile(
      "{name: g, priority: 5, when: alert.labels.namespace == 'shop', event: {type: deny, params: {reason: no}}}",
    );
    expect(catalog).toBeNull();
    expect(lines).toEqual([
      "3:15 PRIORITY_ON_GUARD all guards that fire count: a guard has no priority",
      "3:34 GUARD_READS_ALERT guards judge what the plan touches: read plan.namespaces instead of the alert's namespace",
    ]);
  });
});

describe("a file of rules", () => {
  it("says once what is wrong with a shared condition that is used twice, and finds circles", () => {
    const { lines } = compileText(`name: p
shared:
  a: {condition: b}
  b: {not: {condition: a}}
  c: {fact: cluster, path: $.lables.env, operator: equal, value: x}
rules:
  - {name: r, on: [X], conditions: {condition: c}, event: ${restart}}
  - {name: s, on: [Y], conditions: {condition: c}, event: ${restart}}
  - {name: s, on: [Z], event: ${restart}}
`);
    expect(lines).toEqual([
      "3:18 CYCLE shared conditions contain each other: b -> a -> b",
      "4:24 CYCLE shared conditions contain each other: a -> b -> a",
      '5:28 UNKNOWN_FIELD cluster has no "lables"; did you mean "labels"?',
      '9:12 DUPLICATE_NAME rule 2 of this file is called "s" too',
    ]);
  });

  it("is not blamed for a template that has errors of its own", () => {
    const broken = { path: "templates/broken.yaml", text: "name: broken\nstepps: []\n" };
    const policy = {
      path: "policies/p.yaml",
      text: "name: p\nrules:\n  - {name: r, event: {type: select-template, params: {template: broken}}}\n",
    };
    const { findings } = compileCatalog([broken, policy], "main@sha1:0", actions);
    expect(new Set(findings.map(({ file }) => file))).toEqual(new Set(["templates/broken.yaml"]));
  });

  it("does not share its name", () => {
    const text = `name: p\nrules: [{name: r, on: [X], event: ${restart}}]\n`;
    const { findings } = compileCatalog(
      [
        template,
        { path: "policies/a.yaml", text },
        { path: "policies/b.yaml", text: text.replace("X", "Y") },
      ],
      "main@sha1:0",
      actions,
    );
    expect(findings).toMatchObject([{ file: "policies/b.yaml", code: "DUPLICATE_NAME" }]);
  });
});

describe("the facts that an alert costs", () => {
  it("are those that its own rules and their templates read", () => {
    const { catalog } = compile(
      `{name: a, on: [X], when: target.kind == 'Pod', event: ${restart}}`,
      `{name: b, on: [Y], event: {type: escalate, params: {message: "{{ alert.resource }}"}}}`,
      "{name: g, on: [Y], when: history.attempts('1h') > 1, event: {type: deny, params: {reason: no}}}",
    );
    if (catalog === null) throw new Error("no catalog");
    expect([...factsNeeded("X", catalog)]).toEqual(["target"]);
    expect([...factsNeeded("Y", catalog)]).toEqual(["subject", "history"]);
    expect([...factsNeeded("Z", catalog)]).toEqual([]);
  });
});

describe("files elsewhere in the repository", () => {
  it("are left alone", () => {
    const files = ["README.md", "policies/tests/p.yaml", "templates/notes.txt", "other/t.yaml"].map(
      (path) => ({ path, text: "{" }),
    );
    expect(compileCatalog(files, "main@sha1:0", actions).findings).toEqual([]);
  });
});
