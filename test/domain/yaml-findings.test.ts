// What people get to read about a file that cannot be used: everything at once, each thing at its place.
import { describe, expect, it } from "vitest";
import { closest } from "../../src/domain/did-you-mean.ts";
import { type PolicyFile, policySchema } from "../../src/domain/policies/policy.generated.ts";
import { schemaCheck, withDefaults } from "../../src/domain/schema-findings.ts";
import { templateSchema } from "../../src/domain/templates/template.generated.ts";
import { readYaml } from "../../src/domain/yaml-findings.ts";

function lines(text: string, schema: object = templateSchema): readonly string[] {
  const { document, findings } = readYaml("t.yaml", text);
  const all = document === null ? findings : [...findings, ...schemaCheck(schema)(document)];
  return all.map(({ line, column, code, message }) => `${line}:${column} ${code} ${message}`);
}

const step = "steps: [{name: a, action: {action: get_pod_status}}]\n";

describe("a file with several mistakes", () => {
  it("is answered with all of them, each at its own line and column", () => {
    const text = `name: Pod_x
vrsion: 1.0.0
risk: hgih
steps:
  - name: a
    action: {type: kubernetes, action: x, paramters: {}}
    timeout: 5 minutes
    depends_on: b
  - action: {}
`;
    expect(lines(text)).toEqual([
      '2:1 UNKNOWN_KEY unknown key "vrsion"; did you mean "version"?',
      '1:7 WRONG_VALUE "Pod_x" must look like "pod-crash-recovery"',
      '3:7 WRONG_VALUE "hgih" is not one of low, medium, high, critical; did you mean "high"?',
      '6:43 UNKNOWN_KEY unknown key "paramters"; did you mean "parameters"?',
      '8:17 WRONG_TYPE must be a list, not string "b"',
      '7:14 WRONG_VALUE "5 minutes" must look like "30s"',
      '9:5 MISSING_KEY "name" is missing',
      '9:13 MISSING_KEY "action" is missing',
    ]);
  });

  it("names the event that was meant", () => {
    const text = "name: p\nrules:\n  - name: r\n    event: {type: select-templat, params: {template: x}}\n";
    expect(lines(text, policySchema)).toEqual([
      '4:12 WRONG_VALUE "select-templat" is not one of select-template, escalate, require-approval, deny, limit, set-mode, waive-approval, set-repair; did you mean "select-template"?',
    ]);
  });

  it("gets the same treatment when it is JSON", () => {
    expect(lines('{"name": "x",\n "stepps": []}')).toEqual([
      '1:1 MISSING_KEY "steps" is missing',
      '2:2 UNKNOWN_KEY unknown key "stepps"; did you mean "steps"?',
    ]);
  });
});

describe("a file that would hurt", () => {
  it("is refused when it is larger than 1 MiB", () => {
    expect(lines(`name: x\n#${"a".repeat(1_048_576)}`)).toEqual([
      expect.stringMatching(/^1:1 FILE_TOO_LARGE 1048585 characters/),
    ]);
  });

  it("is refused when its aliases multiply (a YAML bomb), without expanding them", () => {
    const levels = "bcdefghi".split("").map((name, index) => {
      const above = "abcdefgh"[index] ?? "a";
      return `${name}: &${name} [${Array(10).fill(`*${above}`).join(", ")}]`;
    });
    const before = process.memoryUsage().heapUsed;
    expect(lines(`a: &a [x, x, x, x, x, x, x, x, x, x]\n${levels.join("\n")}`)).toEqual([
      expect.stringMatching(/YAML_TOO_LARGE/),
    ]);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(300_000_000);
  });

  it("is refused when it contains itself", () => {
    expect(lines("a: &a [*a]")).toEqual(["1:8 YAML_ALIAS *a contains itself"]);
  });

  it("is refused when it is nested without end", () => {
    expect(lines("[".repeat(50_000))).toEqual(["1:1 YAML_TOO_DEEP nested too deeply to be read"]);
    expect(lines(`x: ${"[".repeat(100)}${"]".repeat(100)}`)).toEqual([
      expect.stringMatching(/YAML_TOO_DEEP nested deeper than 64 levels/),
    ]);
  });

  it("is refused with 2,000 steps", () => {
    const steps = Array.from(
      { length: 2_000 },
      (_, index) => `  - {name: s${index}, action: {action: get_pod_status}}`,
    );
    expect(lines(`name: x\nsteps:\n${steps.join("\n")}`)).toEqual([
      "3:3 TOO_MANY 2000 entries; at most 500 are allowed",
    ]);
  });

  it.each(["__proto__", "constructor", "prototype"])("is refused when a key is called %s", (key) => {
    expect(lines(`name: x\n${step}parameters:\n  ${key}: {type: string}`)).toEqual([
      `4:3 YAML_KEY the key "${key}" is not allowed`,
    ]);
  });
});

describe("a file that says something twice or in another language", () => {
  it("is refused for a duplicate key", () => {
    expect(lines(`name: x\n${step}name: y`)).toEqual(["3:1 DUPLICATE_KEY this key stands here twice"]);
  });

  it("is refused for a second document, an unknown tag and a newer format", () => {
    expect(lines(`name: x\n---\nname: y`)).toEqual([
      "2:1 YAML_SYNTAX one document a file: remove the second `---`",
    ]);
    expect(lines("name: !secret x")).toEqual([expect.stringMatching(/^1:7 YAML_TAG/)]);
    expect(lines(`format: 2\nname: x\n${step}`)).toEqual([
      "1:9 FORMAT_TOO_NEW format 2 is newer than this version of gitmend understands",
    ]);
  });

  it("may use anchors as people do", () => {
    const text = `name: x\nsteps:\n  - {name: a, action: &call {action: get_pod_status}}\n  - {name: b, action: *call}\n`;
    expect(lines(text)).toEqual([]);
  });
});

describe("positions inside a document", () => {
  it("count characters of a quoted string from its first character", () => {
    const { document } = readYaml("t.yaml", 'a:\n  - "{{ x }}"\n');
    expect(document?.position(["a", 0])).toMatchObject({ line: 2, column: 5 });
    expect(document?.position(["a", 0], { offset: 3 })).toMatchObject({ line: 2, column: 9 });
  });

  it("fall back to the nearest part that exists", () => {
    const { document } = readYaml("t.yaml", "a:\n  b: 1\n");
    expect(document?.position(["a", "nope", 3])).toMatchObject({ line: 2, column: 3 });
    expect(document?.position(["a", "b"], { key: true })).toMatchObject({ line: 2, column: 3 });
  });
});

describe("defaults", () => {
  it("come from the schema, also inside events", () => {
    const file = withDefaults<PolicyFile>(
      { name: "p", rules: [{ name: "r", event: { type: "require-approval", params: { approvals: 2 } } }] },
      policySchema,
    );
    expect(file.rules[0]?.event).toEqual({
      type: "require-approval",
      params: { approvals: 2, from: [], expires: "30m", on_expiry: "escalate", when_resolved: "cancel" },
    });
  });
});

describe("a guess at what was meant", () => {
  it("is made for near misses only", () => {
    expect(closest("restart_pot", ["restart_pod", "collect_logs"])).toBe("restart_pod");
    expect(closest("RESTART_POD", ["restart_pod"])).toBe("restart_pod");
    expect(closest("banana", ["restart_pod", "collect_logs"])).toBeNull();
    expect(closest("b", ["a"])).toBeNull();
    expect(closest("x".repeat(10_000), ["restart_pod"])).toBeNull();
  });
});
