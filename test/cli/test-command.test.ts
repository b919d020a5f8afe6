import { describe, expect, it } from "vitest";
import { cli } from "./given-cli.ts";
import { crashLoops, givenFolder } from "./given-folder.ts";

const alert = "alert: {labels: {alertname: KubePodCrashLooping, namespace: shop, pod: api-0}}";
const run = async (tests: string, ...more: string[]) => {
  using folder = givenFolder({ ...crashLoops, "policies/tests/crash-loops.yaml": tests });
  return await cli(["test", ...more], { workingFolder: folder.path });
};
interface Data {
  readonly passed: number;
  readonly failed: number;
  readonly tests: readonly {
    readonly passed: boolean;
    readonly differences: readonly { what: string; expected: unknown; got: unknown; line: number }[];
    readonly rules: readonly { rule: string; state: string; text: string }[];
  }[];
}
const results = async (tests: string) => JSON.parse((await run(tests, ".", "-o", "json")).out) as Data;
/** What differs of one test, as `key: expected / got`. */
const differences = async (test: string) => {
  const { tests } = await results(test);
  return tests[0]!.differences.map(({ what, expected, got }) => [what, expected, got]);
};

describe("a policy test", () => {
  it("passes when everything that it expects comes", async () => {
    const { code, out } = await run(`
- name: a crash loop is restarted
  ${alert}
  expect:
    template: restart
    rule: crash-loops/restart
    parameters: {grace: 10}
    gate: open
    approvals: 0
    from: []
    risk: low
    mode: live
    steps: [look, restart]
- name: production asks two people
  ${alert}
  given: {cluster: {labels: {env: prod}}}
  expect: {gate: approval, approvals: 2, from: ["team:sre"], reason: cluster.labels.env}
- name: after three attempts people are told
  ${alert}
  given:
    now: "2026-12-20T10:00:00Z"
    history: {attempts: [{at: "2026-12-20T01:00:00Z"}, {at: "2026-12-20T09:00:00+01:00"}, {at: "2026-12-19T10:00:01Z"}]}
  expect: {template: null, escalate: {to: sre, severity: critical, message: api-0 still crashes}}
- name: the rest of the world is left alone
  alert: {labels: {alertname: Other}}
  expect: {template: null, reason: no rule is about Other}
- name: a resolved alert starts nothing
  alert: {status: resolved, labels: {alertname: KubePodCrashLooping, namespace: shop, pod: api-0}}
  expect: {template: null, reason: resolved}
`);
    expect(out).toMatch(/5 passed\n$/);
    expect(code).toBe(0);
  });

  it("shows what it expected, what it got, where that stands, and what each rule found", async () => {
    const { code, out } = await run(`
- name: fine
  ${alert}
  expect: {template: restart}
- name: asks somebody
  ${alert}
  expect:
    template: restart
    gate: approval
`);
    expect(code).toBe(1);
    expect(out).toContain("✔ fine");
    expect(out).toContain("✖ asks somebody\n      gate policies/tests/crash-loops.yaml:9:11");
    expect(out).toMatch(/expected approval\n +got +open/);
    expect(out).toContain("- crash-loops/give-up does not match: history.attempts('24h') >= 3 is false");
    expect(out).toContain("- crash-loops/restart matches with priority 50");
    expect(out).toContain('two-people does not fire: cluster.labels.env equal "prod" (missing)');
    expect(out).toMatch(/1 failed, 1 passed of 2 tests\n$/);
  });

  it("compares each expectation, and each alone can fail", async () => {
    const test = (expected: string) => `- {name: x, ${alert}, expect: {${expected}}}`;
    expect(await differences(test("template: other"))).toEqual([["template", "other", "restart"]]);
    expect(await differences(test("template: null"))).toEqual([["template", null, "restart"]]);
    expect(await differences(test("rule: a/b"))).toEqual([["rule", "a/b", "crash-loops/restart"]]);
    expect(await differences(test("parameters: {grace: 30}"))).toEqual([["parameters.grace", 30, 10]]);
    expect(await differences(test("parameters: {other: 1}"))).toEqual([["parameters.other", 1, null]]);
    expect(await differences(test("escalate: {}"))).toEqual([["escalate", {}, null]]);
    expect(await differences(test("gate: refused"))).toEqual([["gate", "refused", "open"]]);
    expect(await differences(test("approvals: 1"))).toEqual([["approvals", 1, 0]]);
    expect(await differences(test("from: [ana]"))).toEqual([["from", ["ana"], []]]);
    expect(await differences(test("risk: high"))).toEqual([["risk", "high", "low"]]);
    expect(await differences(test("mode: observe"))).toEqual([["mode", "observe", "live"]]);
    expect(await differences(test("steps: [restart, look]"))).toEqual([
      ["steps", ["restart", "look"], ["look", "restart"]],
    ]);
    expect(await differences(test("reason: freeze"))).toEqual([["reason", "freeze", []]]);
  });

  it("compares each part of what people are told", async () => {
    const at = '"2026-01-05T11:00:00Z"';
    const test = (expected: string) =>
      `- {name: x, ${alert}, given: {history: {attempts: [{at: ${at}}, {at: ${at}}, {at: ${at}}]}}, expect: {escalate: {${expected}}}}`;
    expect(await differences(test(""))).toEqual([]);
    expect(await differences(test("to: ana"))).toEqual([["escalate.to", "ana", "sre"]]);
    expect(await differences(test("severity: warning"))).toEqual([
      ["escalate.severity", "warning", "critical"],
    ]);
    expect(await differences(test("message: nobody"))).toEqual([
      ["escalate.message", "nobody", "api-0 still crashes"],
    ]);
  });

  it("takes the time from `given`, whatever its zone, and never from the clock", async () => {
    const at = (now: string) =>
      `- {name: x, ${alert}, given: {now: "${now}"}, expect: {gate: refused, reason: change freeze}}`;
    expect(await differences(at("2026-12-24T10:00:00Z"))).toEqual([]);
    expect(await differences(at("2026-12-23T23:30:00Z"))).toEqual([]);
    expect(await differences(at("2026-12-24T00:30:00+01:00"))).toEqual([]);
    expect(await differences(at("2026-12-24T23:30:00Z"))).not.toEqual([]);
    expect(await differences(`- {name: x, ${alert}, expect: {gate: open}}`)).toEqual([]);
  });

  it("asks the clock on the wall of the policy's zone, and the calendars of catalog.yaml", async () => {
    using folder = givenFolder({
      ...crashLoops,
      "catalog.yaml": 'calendars: {freeze: [{from: "2026-12-20", to: "2026-12-22"}]}\n',
      "policies/times.yaml": `name: times
timezone: Europe/Berlin
rules:
  - name: night
    conditions: {all: [{fact: now, operator: withinHours, value: {from: "22:00", to: "06:00"}}]}
    event: {type: deny, params: {reason: everybody sleeps}}
  - name: frozen
    conditions: {all: [{fact: now, operator: inCalendar, value: freeze}]}
    event: {type: deny, params: {reason: a freeze}}
`,
    });
    const test = (now: string, expected: string) =>
      `- {name: "${now}", ${alert}, given: {now: "${now}"}, expect: {${expected}}}\n`;
    folder.put(
      "policies/tests/times.yaml",
      [
        test("2026-07-01T19:59:59Z", "gate: open"),
        test("2026-07-01T20:00:00Z", "gate: refused, reason: everybody sleeps"),
        test("2026-01-07T20:00:00Z", "gate: open"),
        test("2026-01-07T22:30:00+01:00", "gate: refused, reason: everybody sleeps"),
        test("2026-12-21T12:00:00Z", "gate: refused, reason: a freeze"),
      ].join(""),
    );
    const { code, out } = await cli(["test"], { workingFolder: folder.path });
    expect([code, out]).toEqual([0, expect.stringMatching(/5 passed\n$/)]);
  });

  it("counts what is under way, and only observes where a policy says so", async () => {
    const policy = `name: bounds
rules:
  - {name: few, event: {type: limit, params: {scope: namespace, running: 2}}}
  - {name: busy, when: "usage.cluster.running >= 5", event: {type: deny, params: {reason: busy}}}
  - name: watch
    conditions: {all: [{fact: plan, path: $.namespaces, operator: anyGlob, value: ["try-*"]}]}
    event: {type: set-mode, params: {mode: observe}}
`;
    const test = (given: string, expected: string, namespace = "shop") =>
      `- {name: "${given} ${namespace}", alert: {labels: {alertname: KubePodCrashLooping, namespace: ${namespace}, pod: a}}, given: {${given}}, expect: {${expected}}}\n`;
    using folder = givenFolder({
      ...crashLoops,
      "policies/bounds.yaml": policy,
      "policies/tests/bounds.yaml": [
        test("", "gate: open, mode: live"),
        test("usage: {namespace: {running: 1}}", "gate: open"),
        test("usage: {namespace: {running: 2}}", "gate: refused, reason: 2 are under way"),
        test("usage: {cluster: {running: 5}}", "gate: refused, reason: busy"),
        test("", "gate: open, mode: observe", "try-this"),
      ].join(""),
    });
    const { code, out } = await cli(["test"], { workingFolder: folder.path });
    expect([code, out]).toEqual([0, expect.stringMatching(/5 passed\n$/)]);
  });

  it("knows what gitmend never changes", async () => {
    const test = (given: string, namespace = "shop") =>
      `- {name: x, alert: {labels: {alertname: KubePodCrashLooping, namespace: ${namespace}, pod: a}}, given: {${given}}, expect: {gate: refused}}`;
    expect(await differences(test("", "kube-system"))).toEqual([]);
    expect(
      await differences(test('target: {kind: Pod, name: a, labels: {gitmend.dev/remediate: "false"}}')),
    ).toEqual([]);
    expect(await differences(test('namespace: {labels: {gitmend.dev/remediate: "false"}}'))).toEqual([]);
    expect(await differences(test("target: {kind: Kafka, name: a, managedBy: operator}"))).toEqual([]);
    expect(await differences(test("target: {kind: Pod, name: a}"))).toEqual([["gate", "refused", "open"]]);
  });

  it("says why there is no plan, and why an alert cannot be read", async () => {
    const noPlan = await run(`
- name: no pod
  alert: {labels: {alertname: KubePodCrashLooping, namespace: shop}}
  expect: {gate: open}
`);
    expect(noPlan.code).toBe(1);
    expect(noPlan.out).toMatch(/no plan: .*pod/);
    const unread = await run(`
- name: elsewhere
  alert: {labels: {alertname: A, namespace: "../kube-system"}}
  expect: {template: null}
`);
    expect([unread.code, unread.out]).toEqual([1, expect.stringContaining("the alert cannot be read")]);
  });
});

describe("gitmend test", () => {
  it("runs the tests of one file when that is asked for", async () => {
    const test = (name: string, template: string) =>
      `- {name: ${name}, ${alert}, expect: {template: ${template}}}\n`;
    using folder = givenFolder({
      ...crashLoops,
      "policies/tests/a.yaml": test("good", "restart"),
      "policies/tests/b/c.json":
        '[{"name":"bad","alert":{"labels":{"alertname":"A"}},"expect":{"rule":"x"}}]',
    });
    const settings = { workingFolder: folder.path };
    expect((await cli(["test", "policies/tests/a.yaml"], settings)).out).toMatch(/✔ good\n\n1 passed\n$/);
    expect((await cli(["test"], settings)).out).toContain("✖ bad");
  });

  it("runs nothing while a file has errors: exit code 2, and all of them", async () => {
    const { code, out } = await run(`
- name: twice
  ${alert}
  expect: {tempalte: restart}
- name: over time
  timeline: [{at: 0m, alert: {labels: {alertname: A}}}]
  expect: {executions: 1}
- name: impossible
  ${alert}
  given: {now: "2026-13-01T00:00:00Z"}
  expect: {gate: open}
- name: impossible
  ${alert}
  expect: {}
`);
    expect(code).toBe(2);
    expect(
      out.split("\n").map((line) => line.replace(/^policies\/tests\/crash-loops\.yaml:/, "").slice(0, 60)),
    ).toEqual([
      expect.stringMatching(/^4:12 error UNKNOWN_KEY unknown key "tempalte"; did you mean/),
      expect.stringMatching(/^6:3 error TIMELINE_NOT_SUPPORTED/),
      expect.stringMatching(/^10:16 error WRONG_VALUE there is no such time/),
      expect.stringMatching(/^12:9 error DUPLICATE_NAME/),
      expect.stringMatching(/^14:11 error NOTHING_EXPECTED/),
      "5 errors, 0 warnings in 3 files",
      "",
    ]);
  });

  it.each([
    ["is no list", "name: x\n", "WRONG_TYPE"],
    ["is empty", "", "WRONG_TYPE"],
    ["has no tests", "[]", "WRONG_VALUE"],
    ["is no YAML", "- {", "YAML_SYNTAX"],
    ["names no alert", "- {name: x, alert: {labels: {}}, expect: {gate: open}}", "MISSING_KEY"],
  ])("refuses a file that %s", async (_, text, finding) => {
    const { code, out } = await run(text);
    expect([code, out]).toEqual([2, expect.stringContaining(`error ${finding}`)]);
  });

  it("refuses to run on a catalog with errors", async () => {
    using folder = givenFolder({
      ...crashLoops,
      "policies/bad.yaml": "name: bad\n",
      "policies/tests/a.yaml": `- {name: x, ${alert}, expect: {gate: open}}\n`,
    });
    const { code, out } = await cli(["test", "."], { workingFolder: folder.path });
    expect([code, out]).toEqual([2, expect.stringContaining("policies/bad.yaml:1:1 error MISSING_KEY")]);
  });

  it("says where it looked when there is no test, no catalog or no folder: a green run tests something", async () => {
    using folder = givenFolder(crashLoops);
    const settings = { workingFolder: folder.path };
    const none = await cli(["test"], settings);
    expect([none.code, none.err]).toEqual([2, expect.stringContaining("policies/tests has no policy tests")]);
    const file = await cli(["test", "policies/crash-loops.yaml"], settings);
    expect([file.code, file.err]).toEqual([2, expect.stringContaining("has no policy tests")]);
    expect((await cli(["test", "gone"], settings)).code).toBe(2);
  });

  it("lets no test write to the terminal", async () => {
    const { out } = await run(`- {name: "a\\e[31mb\\u202e", ${alert}, expect: {template: "x\\e[2J"}}`);
    expect(out).not.toContain("\u001b");
    expect(out).not.toContain("\u202e");
  });
});
