// What authors of policies are told when an operator, an event or a calendar is not used as it is meant.
import { describe, expect, it } from "vitest";
import { actions } from "../../../src/actions/registry.ts";
import { compileCatalog } from "../../../src/domain/policies/compile-catalog.ts";

const template = {
  path: "templates/one.yaml",
  text: "name: one\nparameters: {x: {type: string, default: ''}}\nsteps: [{name: a, action: {action: get_pod_status}}]\n",
};

interface Files {
  readonly head?: string;
  readonly rules: readonly string[];
  readonly catalog?: string;
}

function linesOf({ head = "", rules, catalog }: Files): readonly string[] {
  const text = `name: p\n${head}\nrules:\n${rules.map((rule) => `  - ${rule}\n`).join("")}`;
  const files = [template, { path: "policies/p.yaml", text }];
  const all = catalog === undefined ? files : [...files, { path: "catalog.yaml", text: catalog }];
  return compileCatalog(all, "main@sha1:0", actions).findings.map(
    ({ file, line, column, code, message }) => `${file}:${line}:${column} ${code} ${message}`,
  );
}

function expectLine(lines: readonly string[], expected: RegExp): void {
  expect(
    lines.some((line) => expected.test(line)),
    lines.join("\n") || "nothing was found",
  ).toBe(true);
}

const deny = "event: {type: deny, params: {reason: no}}";
const choose = "event: {type: select-template, params: {template: one}}";
const compare = (fact: string, operator: string, value: string) =>
  `{name: g, conditions: {fact: ${fact}, operator: ${operator}, value: ${value}}, ${deny}}`;

describe("a condition", () => {
  it.each([
    [
      compare("now", "withinHours", "{from: '08:00', too: '18:00'}"),
      /WRONG_VALUE .*no "too"; did you mean "to"/,
    ],
    [compare("now", "inCalendar", "freeze"), /UNKNOWN_CALENDAR catalog.yaml has no calendar "freeze"/],
    [compare("now", "inCalendar", "[freeze]"), /WRONG_VALUE "inCalendar" needs the name of a calendar/],
    [compare("now", "olderThan", "yesterday"), /WRONG_VALUE "olderThan" needs a duration like 90s/],
    [compare("now", "equal", "null"), /WRONG_VALUE "equal" needs text/],
    [compare("plan, path: '$.objects[x]'", "anyIn", "[a]"), /WRONG_VALUE "\$\.objects\[x\]" is no path/],
    [compare("plan", "someFact:equal", "a"), /WRONG_VALUE "someFact:equal" is not one of equal/],
    [
      compare("plan, path: $.risk", "equal", "{fact: clustr, path: $.name}"),
      /WRONG_VALUE "clustr" is no fact; did you mean "cluster"/,
    ],
    [
      compare("plan, path: $.risk", "equal", "{fact: cluster, pth: $.name}"),
      /UNKNOWN_KEY a fact's value is \{fact, path\}; unknown key "pth"/,
    ],
    [
      compare("plan, path: $.risk", "matches", "{fact: cluster, path: $.name}"),
      /WRONG_VALUE "matches" needs a value that stands in the policy/,
    ],
    [
      compare("plan, path: $.risk", "equal", "{fact: alert, path: $.annotations.x}"),
      /TEXT_CHOOSES annotations are free text/,
    ],
    [
      compare("usage, path: $.namespaces.running", "greaterThan", "3"),
      /UNKNOWN_FIELD usage has no "namespaces"; did you mean "namespace"/,
    ],
    [
      `{name: r, conditions: {fact: plan, path: $.risk, operator: equal, value: low, params: {a: 1}}, ${deny}}`,
      /UNKNOWN_KEY unknown key "params"/,
    ],
    [
      `{name: r, conditions: {fact: usage, path: $.global.running, operator: equal, value: 1}, ${choose}}`,
      /PLAN_IN_SELECTION what is under way is counted for a plan/,
    ],
    [`{name: r, when: usage.global.running > 3, ${choose}}`, /PLAN_IN_SELECTION there is no plan yet/],
    [
      `{name: r, conditions: {fact: cluster, path: $.name, operator: equal, value: {fact: plan, path: $.risk}}, ${choose}}`,
      /PLAN_IN_SELECTION there is no plan yet/,
    ],
    [
      `{name: r, when: "shared('is-prodd')", ${deny}}`,
      /UNKNOWN_CONDITION .*"is-prodd".*did you mean "is-prod"/,
    ],
    [`{name: r, when: "shared(alert.name)", ${deny}}`, /EXPRESSION .*shared/],
    [`{name: r, when: "size(shared) > 0", ${deny}}`, /EXPRESSION write shared\('name'\)/],
    [
      `{name: r, event: {type: select-template, params: {template: one, parameters: {x: "{{ shared('is-prod') }}"}}}}`,
      /EXPRESSION shared\(\) is for `when`/,
    ],
  ])("%s is refused", (rule, expected) => {
    const head = "shared: {is-prod: {fact: cluster, path: $.labels.env, operator: equal, value: prod}}";
    expectLine(linesOf({ head, rules: [rule] }), expected);
  });

  it("takes what json-rules-engine's documentation allows besides", () => {
    const parts =
      "{fact: plan, path: $.risk, operator: equal, value: low, name: it is harmless, priority: 5}";
    const rule = `{name: r, conditions: {any: [${parts}], name: one of these, priority: 3}, ${deny}}`;
    expect(linesOf({ rules: [rule] })).toEqual([]);
  });
});

describe("an event", () => {
  it.each([
    ["{type: limit, params: {scope: namespace}}", /MISSING_KEY a limit needs running, starts, or share/],
    [
      "{type: limit, params: {scope: global, running: 1, per: 1h}}",
      /MISSING_KEY nothing is counted within "per"/,
    ],
    [
      "{type: limit, params: {scope: node, running: 1}}",
      /WRONG_VALUE "node" is not one of namespace, cluster/,
    ],
    [
      "{type: limit, params: {scope: zone, starts: 1}}",
      /WRONG_VALUE only a share is counted in a zone: executions are counted by namespace/,
    ],
    ["{type: limit, params: {scope: zone, share: 0%}}", /WRONG_VALUE "0%" must look like "10%"/],
    ["{type: limit, params: {scope: zone, share: 101%}}", /WRONG_VALUE "101%" must look like "10%"/],
    ["{type: limit, params: {scope: zone, share: 0.1}}", /share|string/],
    ["{type: limit, params: {scope: global, running: 0}}", /WRONG_VALUE must be >= 1/],
    [
      "{type: limit, params: {scope: global, running: 1, share: 10%}}",
      /WRONG_VALUE there is no share of a global: say cluster, zone, namespace or workload/,
    ],
    ["{type: set-mode, params: {mode: live}}", /WRONG_VALUE/],
    ["{type: waive-approval, params: {max_risk: high}}", /MISSING_KEY "reason" is missing/],
    [
      "{type: waive-approval, params: {max_risk: low, reason: x}}",
      /WRONG_VALUE "low" is not one of high, critical/,
    ],
    ["{type: require-approval, params: {on_expiry: retry}}", /WRONG_VALUE "retry" is not one of escalate/],
    ["{type: require-approval, params: {when_resolved: run}}", /WRONG_VALUE "run" is not one of cancel/],
    ["{type: require-approval, params: {remind_every: 10m}}", /UNKNOWN_KEY unknown key "remind_every"/],
    [
      "{type: require-approval, params: {from: [a], expires: 10m, next: [{after: 10m, from: [b]}]}}",
      /WRONG_VALUE 10m is not before `expires` \(10m\): nobody would be asked/,
    ],
    [
      "{type: require-approval, params: {from: [a], next: [{after: 5m, from: [b]}, {after: 300s, from: [c]}]}}",
      /WRONG_VALUE 300s is not later than what stands before it/,
    ],
    [
      "{type: require-approval, params: {from: [a], next: [{after: 0s, from: [b]}]}}",
      /WRONG_VALUE 0s is not later/,
    ],
    [
      "{type: require-approval, params: {next: [{after: 5m, from: [b]}]}}",
      /WRONG_VALUE `from` is empty: anybody may approve from the start/,
    ],
    [
      "{type: require-approval, params: {from: [a], next: [{after: 5m, from: []}]}}",
      /WRONG_VALUE|must NOT have fewer/,
    ],
    ["{type: require-approval, params: {from: [a], next: [{from: [b]}]}}", /MISSING_KEY "after" is missing/],
    ["{type: set-moed, params: {mode: observe}}", /WRONG_VALUE .*did you mean "set-mode"/],
  ])("%s is refused", (event, expected) => {
    expectLine(linesOf({ rules: [`{name: r, event: ${event}}`] }), expected);
  });

  it.each([
    "{type: limit, params: {scope: global, running: 1}}",
    "{type: set-mode, params: {mode: observe}}",
    "{type: waive-approval, params: {max_risk: high, reason: x}}",
  ])("%s has no priority", (event) => {
    expectLine(linesOf({ rules: [`{name: r, priority: 3, event: ${event}}`] }), /PRIORITY_ON_GUARD/);
  });
});

describe("a guard that reads the alert", () => {
  it.each([
    ["when: alert.namespace == 'shop'", "plan.namespaces", "namespace"],
    ["when: alert.labels.namespace == 'shop'", "plan.namespaces", "namespace"],
    ["when: alert.cluster == 'a'", "plan.clusters", "cluster"],
    ["when: alert.resource == 'api-0'", "plan.objects", "resource"],
    [
      "conditions: {fact: alert, path: $.namespace, operator: equal, value: a}",
      "plan.namespaces",
      "namespace",
    ],
    [
      "conditions: {fact: plan, path: $.risk, operator: equal, value: {fact: alert, path: $.namespace}}",
      "plan.namespaces",
      "namespace",
    ],
  ])("%s is pointed to the plan", (condition, better, what) => {
    const lines = linesOf({ rules: [`{name: g, ${condition}, ${deny}}`] });
    expectLine(lines, new RegExp(`GUARD_READS_ALERT .*read ${better} instead of the alert's ${what}`));
  });

  it("may read what no plan knows", () => {
    expect(linesOf({ rules: [`{name: g, when: alert.severity == 'critical', ${deny}}`] })).toEqual([]);
  });
});

describe("catalog.yaml", () => {
  const rules = [compare("now", "inCalendar", "freeze")];
  it.each([
    [
      "calendars: {freeze: [{from: 2026-12-20, to: 2026-12-19}]}",
      /2:45 WRONG_VALUE it ends before it begins/,
    ],
    ["calendars: {freeze: [{from: 2026-02-30, to: 2026-12-19}]}", /"2026-02-30" is no day of the calendar/],
    [
      "calendars: {freeze: [{from: 20 December, to: 2026-12-19}]}",
      /WRONG_VALUE "20 December" must look like/,
    ],
    [
      "calendars: {freeze: [{from: 2026-12-20, to: 2026-12-21, zone: Berlin}]}",
      /WRONG_VALUE there is no time zone "Berlin"/,
    ],
    ["calendars: {freeze: []}", /catalog.yaml:2:21 WRONG_VALUE/],
    ["calender: {}", /UNKNOWN_KEY unknown key "calender"; did you mean "calendars"/],
    ["format: 2", /FORMAT_TOO_NEW/],
    ["calendars: [", /catalog.yaml:/],
  ])("%s is refused, and the policies are not blamed for it", (catalog, expected) => {
    const lines = linesOf({ rules, catalog: `# of the whole company\n${catalog}\n` });
    expectLine(lines, expected);
    expect(lines.filter((line) => line.includes("UNKNOWN_CALENDAR"))).toEqual([]);
  });

  it("names the calendar that was meant", () => {
    const catalog = "calendars: {freezes: [{from: 2026-12-20, to: 2027-01-03}]}";
    expectLine(
      linesOf({ rules, catalog }),
      /policies\/p.yaml:4:\d+ UNKNOWN_CALENDAR .*did you mean "freezes"/,
    );
  });
});

describe("a policy", () => {
  it.each(["built-in", "floor", "manual"])("is not called %s", (name) => {
    const text = `name: ${name}\nrules: [{name: r, ${deny}}]\n`;
    const { findings } = compileCatalog([{ path: "policies/p.yaml", text }], "main@sha1:0", actions);
    expect(findings.map(({ code }) => code)).toEqual(["RESERVED_NAME"]);
  });

  it("names a time zone that exists", () => {
    const lines = linesOf({ head: "timezone: Europe/Pari", rules: [`{name: r, ${deny}}`] });
    expectLine(lines, /2:11 WRONG_VALUE there is no time zone "Europe\/Pari"; did you mean "Europe\/Paris"/);
  });
});

describe("two selection rules of one priority", () => {
  const rule = (name: string, rest: string) => `{name: ${name}, on: [X], ${rest}, ${choose}}`;
  const codes = (...rules: readonly string[]) =>
    linesOf({
      head: "shared: {is-prod: {fact: cluster, path: $.labels.env, operator: equal, value: prod}}",
      rules,
    }).map((line) => line.split(" ")[1]);
  const hours = "{fact: now, operator: withinHours, value: {from: '08:00', to: '18:00'}}";
  const other = "{fact: now, operator: withinHours, value: {from: '08:00', to: '18:00', zone: Asia/Tokyo}}";

  it("exclude each other when one asks for what the other refuses", () => {
    expect(codes(rule("day", `conditions: ${hours}`), rule("night", `conditions: {not: ${hours}}`))).toEqual(
      [],
    );
    expect(codes(rule("a", "when: shared('is-prod')"), rule("b", "when: \"!(shared('is-prod'))\""))).toEqual(
      [],
    );
  });

  it("are ambiguous when they only look like contraries", () => {
    const both = ["AMBIGUOUS_SELECTION", "AMBIGUOUS_SELECTION"];
    expect(codes(rule("a", `conditions: ${hours}`), rule("b", `conditions: {not: ${other}}`))).toEqual(both);
    const value = "{fact: cluster, path: $.name, operator: equal, value: {fact: target, path: $.labels.a}}";
    const another = "{fact: cluster, path: $.name, operator: equal, value: {fact: target, path: $.labels.b}}";
    expect(codes(rule("a", `conditions: ${value}`), rule("b", `conditions: ${another}`))).toEqual(both);
    const missing = (condition: string, say: boolean) => condition.replace(/}$/, `, missing: ${say}}`);
    const label = "{fact: cluster, path: $.labels.tier, operator: equal, value: gold}";
    const whatever = rule("a", `conditions: ${missing(label, true)}`);
    expect(codes(whatever, rule("b", `conditions: {not: ${missing(label, false)}}`))).toEqual(both);
    expect(codes(whatever, rule("b", `conditions: {not: ${label}}`))).toEqual([]);
  });

  it("are ambiguous when their files mean something else by one name", () => {
    const policy = (name: string, value: string, when: string) => ({
      path: `policies/${name}.yaml`,
      text: `name: ${name}\nshared: {s: {fact: cluster, path: $.labels.env, operator: equal, value: ${value}}}\nrules:\n  - ${rule(name, when)}\n`,
    });
    const files = [
      template,
      policy("a", "prod", "when: shared('s')"),
      policy("b", "dev", "when: \"!(shared('s'))\""),
    ];
    const { findings } = compileCatalog(files, "main@sha1:0", actions);
    expect(findings.map(({ code }) => code)).toEqual(["AMBIGUOUS_SELECTION", "AMBIGUOUS_SELECTION"]);
  });
});
