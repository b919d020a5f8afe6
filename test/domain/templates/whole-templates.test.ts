// The parts of a template around its steps: what is done finally, fallbacks, conditions of the whole, checks of the effect.
import { describe, expect, it } from "vitest";
import { actions } from "../../../src/actions/registry.ts";
import { compileCatalog } from "../../../src/domain/policies/compile-catalog.ts";

function compile(...texts: readonly string[]) {
  const files = texts.map((text, index) => ({ path: `templates/t${index}.yaml`, text }));
  const { catalog, findings } = compileCatalog(files, "main@sha1:0", actions);
  const lines = findings.map(
    ({ file, line, column, severity, code, message }) =>
      `${file.replace("templates/", "")}:${line}:${column} ${severity} ${code} ${message}`,
  );
  return { catalog, lines };
}

const look = "{name: look, action: {action: get_pod_status}}";
const one = (name: string, rest = "") => `name: ${name}\n${rest}steps: [${look}]\n`;
const fallback = (name: string) => `configuration: {fallback: ${name}}\n`;

describe("the specification's shape with every part", () => {
  it("is kept as it was written, durations in seconds", () => {
    const { catalog, lines } = compile(
      `name: t
manual: true
steps: [${look}]
finally: [{name: tell, timeout: 1m, action: {action: notify_team, parameters: {message: "{{ steps['look'].output.phase }}"}}}]
configuration: {fallback: other}
validation: {preconditions: ["target.kind == 'Deployment'"], success: ["steps['look'].output.ready"]}
effectiveness: {delay: 5m, checks: [{promql: "up{pod={{ promql(alert.labels.pod) }}}", expect: "value == 1.0"}]}
`,
      one("other"),
    );
    expect(lines).toEqual([]);
    expect(catalog?.templates.get("t")).toMatchObject({
      manual: true,
      fallback: "other",
      finally: [{ name: "tell", dependsOn: [], timeoutSeconds: 60, onFailure: "continue" }],
      validation: { preconditions: ["target.kind == 'Deployment'"] },
      effectiveness: { delaySeconds: 300, checks: [{ expect: "value == 1.0" }] },
    });
  });

  it("has defaults for all of it", () => {
    expect(compile(one("t")).catalog?.templates.get("t")).toMatchObject({
      manual: false,
      finally: [],
      fallback: null,
      validation: { preconditions: [], success: [] },
      effectiveness: { delaySeconds: 600, checks: [] },
    });
  });
});

describe("steps of finally", () => {
  it("run one after the other, may read all steps, and share their names with no step", () => {
    const { lines } = compile(
      `name: t
steps: [${look}]
finally:
  - {name: look, action: {action: get_pod_status}}
  - {name: a, conditions: ["steps['b'].status == 'succeeded'"], action: {action: get_pod_status}}
  - {name: b, conditions: ["steps['a'].status == 'succeeded'", "steps['look'].output.redy"], action: {action: get_pod_status}}
`,
    );
    expect(lines).toEqual([
      't0.yaml:4:12 error DUPLICATE_NAME step 1 is called "look" too',
      `t0.yaml:5:29 error EXPRESSION "b" need not have ended before this step`,
      't0.yaml:6:65 error EXPRESSION the output has no "redy"; did you mean "ready"?',
    ]);
  });

  it("have no way back, no alternatives and no order of their own", () => {
    const { lines } = compile(
      `name: t\nsteps: [${look}]\nfinally: [{name: a, rollback: {action: restart_pod}, action: {action: get_pod_status}}]\n`,
    );
    expect(lines).toEqual(['t0.yaml:3:21 error UNKNOWN_KEY unknown key "rollback"']);
  });

  it("count in the risk", () => {
    const text = `name: t\nrisk: low\nsteps: [${look}]\nfinally: [{name: a, action: {action: rollback_deployment}}]\n`;
    expect(compile(text).lines).toEqual([
      "t0.yaml:2:7 error RISK_TOO_LOW the risk is at least medium, because of rollback_deployment",
    ]);
  });
});

describe("a fallback", () => {
  it("must exist", () => {
    const { lines } = compile(one("rollback-workload"), one("t", fallback("rollback-workloud")));
    expect(lines).toEqual([
      't1.yaml:2:27 error UNKNOWN_TEMPLATE there is no template "rollback-workloud"; did you mean "rollback-workload"?',
    ]);
  });

  it("may not lead back, to itself or over others; who only comes by is not blamed", () => {
    const { lines } = compile(
      one("a", fallback("b")),
      one("b", fallback("c")),
      one("c", fallback("b")),
      one("self", fallback("self")),
    );
    const words = "error FALLBACK_LOOP fallbacks lead back to the template that failed:";
    expect(lines).toEqual([
      `t1.yaml:2:27 ${words} b -> c -> b`,
      `t2.yaml:2:27 ${words} c -> b -> c`,
      `t3.yaml:2:27 ${words} self -> self`,
    ]);
  });

  it("gets its parameters from defaults or from the same names, of the same type", () => {
    const { lines } = compile(
      one("a", "parameters: {n: {type: string, default: x}}\nconfiguration: {fallback: b}\n"),
      one("b", "parameters: {n: {type: integer}, m: {type: string}, d: {type: string, default: y}}\n"),
    );
    expect(lines).toEqual([
      't0.yaml:3:27 error WRONG_TYPE parameter "n" is string here and integer in fallback "b"',
      't0.yaml:3:27 error MISSING_PARAMETER fallback "b" needs parameter "m": declare it here too, or give it a default there',
    ]);
  });

  it("is not blamed for what another template's own errors are", () => {
    const { lines } = compile(
      one("a", fallback("broken")),
      "name: broken\nsteps: [{name: x, action: {action: restart_pot}}]\n",
    );
    expect(lines).toEqual([
      't1.yaml:2:36 error UNKNOWN_ACTION there is no action "restart_pot"; did you mean "restart_pod"?',
    ]);
  });

  it("takes no annotation through its template's parameter where it chooses an object", () => {
    const parameters = "parameters: {who: {type: string, default: api-0}}\n";
    const policy = {
      path: "policies/p.yaml",
      text: `name: p
rules:
  - name: r
    on: [A]
    event: {type: select-template, params: {template: a, parameters: {who: "{{ alert.annotations.pod }}"}}}
`,
    };
    const a = `name: a\n${parameters}${fallback("b")}steps: [{name: x, action: {action: notify_team, parameters: {message: "{{ params.who }}"}}}]\n`;
    const b = `name: b\n${parameters}steps: [{name: x, action: {action: restart_pod, parameters: {pod: "{{ params.who }}"}}}]\n`;
    const files = [{ path: "templates/a.yaml", text: a }, { path: "templates/b.yaml", text: b }, policy];
    const { findings } = compileCatalog(files, "main@sha1:0", actions);
    expect(findings.map(({ file, code }) => [file, code])).toEqual([["policies/p.yaml", "TEXT_CHOOSES"]]);
    const alone = [{ path: "templates/a.yaml", text: a.replace(fallback("b"), "") }, policy];
    expect(compileCatalog(alone, "main@sha1:0", actions).findings).toEqual([]);
  });

  it("has its facts fetched with its template's", () => {
    const reading = `name: b\nsteps: [{name: x, conditions: ["owner.team == 'sre'"], action: {action: get_pod_status}}]\n`;
    const { catalog } = compile(one("a", fallback("b")), reading);
    expect([...(catalog?.templateFacts.get("a") ?? [])]).toEqual(["owner"]);
  });
});

describe("a step for each subject", () => {
  const each = (action: string, after = "") =>
    `name: t\nsteps:\n  - {name: restart, for_each: subjects, action: ${action}}\n${after}`;
  const restart = '{action: restart_pod, parameters: {pod: "{{ subject.name }}"}}';

  it("needs the subjects, and a word of warning when it never asks which one", () => {
    expect(compile(each(restart)).lines).toEqual([]);
    expect([...(compile(each(restart)).catalog?.templateFacts.get("t") ?? [])]).toContain("subjects");
    const { catalog, lines } = compile(
      each('{action: restart_pod, parameters: {pod: "{{ alert.resource }}"}}'),
    );
    expect(lines).toEqual([
      't0.yaml:3:31 warning SUBJECT_NOT_READ "restart" runs for each subject, but its parameters never read `subject`: it does the same each time',
    ]);
    expect(catalog).not.toBeNull();
  });

  it("has a list for an output", () => {
    const after = (condition: string) =>
      each(restart, `  - {name: b, conditions: ["${condition}"], action: {action: get_pod_status}}\n`);
    expect(compile(after("steps['restart'].output.all(one, one.ready)")).lines).toEqual([]);
    expect(compile(after("steps['restart'].output[0].ready == true")).lines).toEqual([]);
    expect(compile(after("steps['restart'].output.ready")).lines).toEqual([
      `t0.yaml:4:29 error EXPRESSION "restart" runs for each subject, so its output is a list: write steps['restart'].output.all(one, one.ready)`,
    ]);
  });

  it("is for subjects, nothing else", () => {
    expect(compile(each(restart).replace("subjects", "pods")).lines).toEqual([
      't0.yaml:3:31 error WRONG_VALUE "pods" is not one of subjects',
    ]);
  });
});

describe("conditions of the whole workflow", () => {
  it("are checked like those of steps: the first before any step, the last after all", () => {
    const { lines } = compile(
      one(
        "t",
        `validation:
  preconditions: ["steps['look'].output.ready", "target.kin == 'Pod'", "1 + 1"]
  success: ["steps['look'].output.redy", "output.ready", "alert.annotations.go == 'yes'"]
`,
      ),
    );
    expect(lines.map((line) => line.replace("t0.yaml:", "").replace("error ", ""))).toEqual([
      '3:20 EXPRESSION "steps" is not known here; there are alert, subject, subjects, target, namespace, cluster, owner, history, now, params',
      '3:57 EXPRESSION target has no "kin"; did you mean "kind"?',
      "3:73 EXPRESSION gives integer, but boolean is needed here",
      '4:14 EXPRESSION the output has no "redy"; did you mean "ready"?',
      '4:43 EXPRESSION "output" is not known here; there are alert, subject, subjects, target, namespace, cluster, owner, history, now, params, steps',
      "4:59 TEXT_CHOOSES annotations are free text: nothing is decided by them",
    ]);
  });
});

describe("PromQL", () => {
  const check = (promql: string, expected = "value < 1.0") =>
    compile(
      one("t", `effectiveness: {checks: [{promql: ${JSON.stringify(promql)}, expect: "${expected}"}]}\n`),
    ).lines.map((line) => line.replace(/^\S+ error /, ""));
  const unquoted =
    "PROMQL_UNQUOTED a value enters PromQL through promql(x), which quotes it: {namespace={{ promql(alert.namespace) }}}";
  const quotes = (quote: string) =>
    `PROMQL_UNQUOTED promql(x) brings its own quotes: take away the ${quote} around {{ }}`;

  it.each([
    "up",
    "up{namespace={{ promql(alert.namespace) }}}",
    "up{pod=~{{ promql(alert.labels.pod + '-.*') }}} # it's \"fine\"\n or vector(0)",
    `up{a="it's \\" fine",b={{ promql(cluster.name) }}}`,
    "label_replace(up, 'a', `it's`, {{ promql(target.name) }}, '')",
  ])("%s is right", (promql) => {
    expect(check(promql)).toEqual([]);
  });

  it.each([
    ["up{namespace='{{ alert.namespace }}'}", [unquoted, quotes("'")]],
    ["up{namespace={{ alert.namespace }}}", [unquoted]],
    ["{{ params.query }}", ['EXPRESSION the template has no parameter "query"', unquoted]],
    ['up{namespace="{{ promql(alert.namespace) }}"}', [quotes('"')]],
    ["up{namespace=`{{ promql(alert.namespace) }}`}", [quotes("`")]],
    ['# "\nup{namespace="{{ promql(alert.namespace) }}"}', [quotes('"')]],
    ["up{pod={{ promql(alert.labels.pod) + '}' }}}", [unquoted]],
    [
      "up{pod={{ promql(alert.annotations.pod) }}}",
      ["TEXT_CHOOSES annotations are free text: nothing is judged by them"],
    ],
    [
      "up{pod={{ promql(steps['look'].output.pod) }}}",
      [expect.stringContaining('EXPRESSION "steps" is not known here')],
    ],
  ])("%s is refused", (promql, expected) => {
    expect(check(promql)).toEqual(expect.arrayContaining(expected));
    expect(check(promql)).toHaveLength(expected.length);
  });

  it("is answered by a value that must come to true or false", () => {
    expect(check("up", "value + 1.0")).toEqual(["EXPRESSION gives number, but boolean is needed here"]);
    expect(check("up", "target.kind == 'Pod'")).toEqual([
      'EXPRESSION "target" is not known here; there are value',
    ]);
  });
});

describe("a template that is hostile or broken", () => {
  it("has at most 500 steps", () => {
    const steps = Array.from(
      { length: 2_000 },
      (_, index) => `  - {name: s${index}, action: {action: get_pod_status}}`,
    );
    expect(compile(`name: t\nsteps:\n${steps.join("\n")}\n`).lines).toEqual([
      "t0.yaml:3:3 error TOO_MANY 2000 entries; at most 500 are allowed",
    ]);
  });

  it("is no bomb of aliases", () => {
    const levels = Array.from({ length: 9 }, (_, index) =>
      index === 0
        ? "a0: &a0 [x, x, x, x, x, x, x, x, x, x]"
        : `a${index}: &a${index} [${Array(10)
            .fill(`*a${index - 1}`)
            .join(", ")}]`,
    );
    expect(compile(`name: t\n${levels.join("\n")}\nsteps: [${look}]\n`).lines).toEqual([
      expect.stringMatching(/error YAML_TOO_LARGE more than 250000 values once aliases are followed/),
    ]);
  });

  it("says every key once", () => {
    expect(compile(`name: t\nsteps: [${look}]\nname: u\n`).lines).toEqual([
      "t0.yaml:3:1 error DUPLICATE_KEY this key stands here twice",
    ]);
  });

  it("holds no key that reaches into a prototype", () => {
    expect(
      compile(`name: t\nsteps: [{name: a, action: {action: get_pod_status, parameters: {__proto__: 1}}}]\n`)
        .lines,
    ).toEqual(['t0.yaml:2:65 error YAML_KEY the key "__proto__" is not allowed']);
  });

  it("hangs on no regular expression", () => {
    const text = (pattern: string) =>
      one("t", `validation: {preconditions: ["alert.name.matches('${pattern}')"]}\n`);
    expect(compile(text("(a+)+$")).lines).toEqual([]);
    expect(compile(text("(a{1000}){1000}")).lines).toEqual([
      expect.stringMatching(/is no RE2 regular expression: .*invalid repeat count/),
    ]);
  });
});
