import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import { cli } from "./given-cli.ts";
import { crashLoops, givenFolder } from "./given-folder.ts";

const findingShape = /^[^\s:]+:\d+:\d+ (error|warning) [A-Z][A-Z_0-9]+ \S.*$/;

/** What GitHub's code scanning needs of SARIF 2.1.0. */
const sarifShape = {
  type: "object",
  required: ["$schema", "version", "runs"],
  properties: {
    version: { const: "2.1.0" },
    runs: {
      type: "array",
      minItems: 1,
      maxItems: 1,
      items: {
        type: "object",
        required: ["tool", "results"],
        properties: {
          columnKind: { enum: ["utf16CodeUnits", "unicodeCodePoints"] },
          tool: {
            type: "object",
            required: ["driver"],
            properties: {
              driver: {
                type: "object",
                required: ["name", "version", "rules"],
                properties: {
                  name: { type: "string", minLength: 1 },
                  rules: {
                    type: "array",
                    uniqueItems: true,
                    items: {
                      type: "object",
                      required: ["id", "shortDescription"],
                      properties: {
                        id: { type: "string", minLength: 1 },
                        shortDescription: { type: "object", required: ["text"] },
                      },
                    },
                  },
                },
              },
            },
          },
          results: {
            type: "array",
            items: {
              type: "object",
              required: ["ruleId", "ruleIndex", "level", "message", "locations"],
              properties: {
                level: { enum: ["error", "warning", "note", "none"] },
                message: {
                  type: "object",
                  required: ["text"],
                  properties: { text: { type: "string", minLength: 1 } },
                },
                locations: {
                  type: "array",
                  minItems: 1,
                  maxItems: 1,
                  items: {
                    type: "object",
                    required: ["physicalLocation"],
                    properties: {
                      physicalLocation: {
                        type: "object",
                        required: ["artifactLocation", "region"],
                        properties: {
                          artifactLocation: {
                            type: "object",
                            required: ["uri"],
                            properties: { uri: { type: "string", pattern: "^[\\w.~/%!*'()-]+$" } },
                          },
                          region: {
                            type: "object",
                            required: ["startLine", "startColumn"],
                            properties: {
                              startLine: { type: "integer", minimum: 1 },
                              startColumn: { type: "integer", minimum: 1 },
                            },
                          },
                        },
                      },
                    },
                  },
                },
              },
            },
          },
        },
      },
    },
  },
};
interface Sarif {
  readonly runs: readonly {
    readonly tool: { readonly driver: { readonly rules: readonly { readonly id: string }[] } };
    readonly results: readonly {
      readonly ruleId: string;
      readonly ruleIndex: number;
      readonly level: string;
      readonly locations: readonly {
        readonly physicalLocation: {
          readonly artifactLocation: object;
          readonly region: { readonly startLine: number; readonly startColumn: number };
        };
      }[];
    }[];
  }[];
}

const broken = {
  ...crashLoops,
  "policies/br ö#ken.yaml": "name: broken\nbogus: 1\nrules:\n  - {name: x, event: {type: dney}}\n",
  "policies/tests/t.yaml": "- {name: t, alert: {labels: {alertname: A}}, expect: {gat: open}}\n",
};

describe("validate of a whole folder", () => {
  it("finds what is wrong with templates, policies, policy tests and gitmend.yaml, one line each", async () => {
    using folder = givenFolder({
      ...broken,
      "templates/x.yaml": "name: x\n",
      "gitmend.yaml": "bogus: 1\n",
      "catalog.yaml": "bogus: 1\n",
    });
    const { code, out } = await cli(["validate"], { workingFolder: folder.path });
    const lines = out.trimEnd().split("\n");
    expect(code).toBe(2);
    expect(lines.slice(0, -1).every((line) => findingShape.test(line.replace("br ö#ken", "broken")))).toBe(
      true,
    );
    expect(new Set(lines.slice(0, -1).map((line) => line.split(":")[0]))).toEqual(
      new Set([
        "catalog.yaml",
        "gitmend.yaml",
        "policies/br ö#ken.yaml",
        "policies/tests/t.yaml",
        "templates/x.yaml",
      ]),
    );
    expect(lines.at(-1)).toMatch(/^\d+ errors, 0 warnings in 7 files$/);
  });

  it("finds what the controller would refuse to read", async () => {
    using folder = givenFolder(crashLoops);
    symlinkSync("/etc/passwd", join(folder.path, "policies/link.yaml"));
    folder.put("templates/latin.yaml", Buffer.from([0x66, 0xfc]));
    const { code, out } = await cli(["validate"], { workingFolder: folder.path });
    expect(code).toBe(2);
    expect(out).toContain("policies/link.yaml:1:1 error SYMBOLIC_LINK");
    expect(out).toContain("templates/latin.yaml:1:1 error NOT_UTF8");
    folder.put("policies/huge.yaml", "x".repeat(1_048_577));
    expect((await cli(["validate"], { workingFolder: folder.path })).out).toContain(
      "policies/huge.yaml:1:1 error FILE_TOO_LARGE",
    );
  });

  it("takes a warning for no error", async () => {
    using folder = givenFolder({
      ...crashLoops,
      "policies/w.yaml":
        "name: w\nrules:\n  - {name: w, conditions: {all: [{fact: alert, path: $.namespace, operator: equal, value: x}]}, event: {type: deny, params: {reason: no}}}\n",
    });
    const { code, out } = await cli(["validate"], { workingFolder: folder.path });
    expect([code, out]).toEqual([0, expect.stringContaining("0 errors, 1 warning")]);
  });

  it("names files so that they are found from where it was called", async () => {
    using folder = givenFolder({ "repo/policies/a.yaml": "name: a\n" });
    const here = await cli(["validate", "repo"], { workingFolder: folder.path });
    expect(here.out).toContain("repo/policies/a.yaml:1:1 ");
    const absolute = await cli(["validate", join(folder.path, "repo")], { workingFolder: "/nonexistent" });
    expect(absolute.out).toContain(`${join(folder.path, "repo/policies/a.yaml")}:1:1 `);
  });
});

describe("validate of less than a folder", () => {
  it("checks one file against the catalog around it, and shows its findings alone", async () => {
    using folder = givenFolder(broken);
    const settings = { workingFolder: folder.path };
    expect(await cli(["validate", "policies/crash-loops.yaml"], settings)).toMatchObject({
      code: 0,
      out: "no findings in 1 file\n",
    });
    const { code, out } = await cli(["validate", "policies/tests/t.yaml"], settings);
    expect([code, out]).toEqual([2, expect.stringMatching(/^policies\/tests\/t\.yaml:1:.*gat.*\n1 error, /)]);
  });

  it("checks gitmend.yaml wherever it lies, alone or with a catalog", async () => {
    using folder = givenFolder({
      ...crashLoops,
      "etc/controller.yaml": "bogus: 1\n",
      "etc/gitmend.yaml": "bogus: 1\n",
    });
    const settings = { workingFolder: folder.path };
    const both = await cli(["validate", "--config", "etc/controller.yaml"], settings);
    expect([both.code, both.out]).toEqual([
      2,
      expect.stringMatching(/^etc\/controller\.yaml:1:1 error .*in 3 files\n$/s),
    ]);
    const alone = await cli(["validate", "etc/gitmend.yaml"], settings);
    expect([alone.code, alone.out]).toEqual([
      2,
      expect.stringMatching(/^etc\/gitmend\.yaml:1:1 error .*in 1 file\n$/s),
    ]);
  });

  it.each([
    ["a folder that is not there", ["gone"], "is not there"],
    ["an empty folder", ["."], "neither templates/ nor policies/"],
    ["a file of no catalog", ["note.txt"], "no YAML or JSON file below"],
    ["a configuration that is not there", ["--config", "gone.yaml"], "gone.yaml cannot be read"],
  ])("says what is wrong with %s", async (_, args, words) => {
    using folder = givenFolder({ "note.txt": "x" });
    const { code, out, err } = await cli(["validate", ...args], { workingFolder: folder.path });
    expect([code, out, err]).toEqual([2, "", expect.stringContaining(words)]);
  });
});

describe("validate for programs", () => {
  it("is SARIF that code scanning takes", async () => {
    using folder = givenFolder(broken);
    const { code, out } = await cli(["validate", "-o", "sarif"], { workingFolder: folder.path });
    expect(code).toBe(2);
    const sarif = JSON.parse(out) as Sarif;
    const check = new Ajv({ strict: false }).compile(sarifShape);
    expect([check(sarif), check.errors]).toEqual([true, null]);
    const { tool, results } = sarif.runs[0]!;
    expect(results.length).toBeGreaterThan(2);
    expect(results.every(({ ruleId, ruleIndex }) => tool.driver.rules[ruleIndex]?.id === ruleId)).toBe(true);
    const { physicalLocation } = results.find(({ ruleId }) => ruleId === "UNKNOWN_KEY")!.locations[0]!;
    expect(physicalLocation).toEqual({
      artifactLocation: { uri: "policies/br%20%C3%B6%23ken.yaml", uriBaseId: "%SRCROOT%" },
      region: { startLine: 2, startColumn: 1 },
    });
  });

  it("is SARIF without results when nothing is wrong, so that old ones go away", async () => {
    using folder = givenFolder(crashLoops);
    const { code, out } = await cli(["validate", "-o", "sarif"], { workingFolder: folder.path });
    const sarif = JSON.parse(out) as Sarif;
    expect([code, sarif.runs[0]!.results]).toEqual([0, []]);
    expect(new Ajv({ strict: false }).validate(sarifShape, sarif)).toBe(true);
  });

  it("is the same findings in each form, JSON with the same keys every time", async () => {
    using folder = givenFolder(broken);
    const of = async (form: string) =>
      (await cli(["validate", "-o", form], { workingFolder: folder.path })).out;
    const { files, findings } = JSON.parse(await of("json")) as { files: number; findings: object[] };
    expect(files).toBe(4);
    for (const finding of findings) {
      expect(Object.keys(finding)).toEqual(["file", "line", "column", "severity", "code", "message"]);
    }
    expect((await of("text")).trimEnd().split("\n")).toHaveLength(findings.length + 1);
    expect((await of("github")).trimEnd().split("\n")).toHaveLength(findings.length);
    expect((JSON.parse(await of("sarif")) as Sarif).runs[0]!.results).toHaveLength(findings.length);
  });

  it("says nothing to GitHub when nothing is wrong", async () => {
    using folder = givenFolder(crashLoops);
    expect(await cli(["validate", folder.path, "-o", "github"])).toMatchObject({ code: 0, err: "", out: "" });
  });
});

describe("validate --base", () => {
  const weaker = {
    "policies/crash-loops.yaml": crashLoops["policies/crash-loops.yaml"]!.replace(
      "approvals: 2",
      "approvals: 1",
    ),
  };

  it("says which guard stops less than before, and where, and fails", async () => {
    using before = givenFolder(crashLoops);
    using after = givenFolder({ ...crashLoops, ...weaker });
    const { code, out } = await cli(["validate", "--base", before.path], { workingFolder: after.path });
    expect(code).toBe(2);
    expect(out).toMatch(
      /^policies\/crash-loops\.yaml:12:5 warning GUARD_LOOSENED crash-loops\/two-people stops less: before, it asks 2 of team:sre within 30m when .*; now it asks 1 of team:sre/,
    );
  });

  it("is content with a guard that stops more, and with none that changed", async () => {
    using weak = givenFolder({ ...crashLoops, ...weaker });
    using strong = givenFolder(crashLoops);
    for (const base of [weak.path, strong.path])
      expect(await cli(["validate", "--base", base], { workingFolder: strong.path })).toMatchObject({
        code: 0,
        out: "no findings in 2 files\n",
      });
  });

  it("does not take a base that is not there, or that is broken, for one that stops nothing", async () => {
    using folder = givenFolder(crashLoops);
    using bad = givenFolder({ "policies/x.yaml": "name: x\n" });
    for (const base of ["no-such-revision", bad.path]) {
      const { code, out } = await cli(["validate", "--base", base], { workingFolder: folder.path });
      expect([code, out]).toEqual([2, ""]);
    }
  });
});

describe("validate with scopes", () => {
  const files = {
    "gitmend.yaml": "scopes: [{path: teams/shop, namespaces: [shop]}]\n",
    "teams/shop/templates/fix.yaml":
      "name: fix\nsteps:\n  - {name: a, action: {action: restart_pod, parameters: {pod: a, namespace: payments}}}\n",
  };
  const finding =
    "teams/shop/templates/fix.yaml:3:5 error SCOPE_NAMESPACE namespace payments is outside of scope teams/shop of gitmend.yaml, which allows shop";

  it("goes by the gitmend.yaml beside the catalog, for one file too, and by the one that is given", async () => {
    using folder = givenFolder(files);
    const whole = await cli(["validate", "."], { workingFolder: folder.path });
    expect([whole.code, whole.out]).toEqual([2, expect.stringContaining(finding)]);
    const one = await cli(["validate", "teams/shop/templates/fix.yaml"], { workingFolder: folder.path });
    expect([one.code, one.out]).toEqual([2, expect.stringContaining(finding)]);
    folder.put("wide.yaml", "scopes: [{path: ., namespaces: ['*']}]\n");
    const given = await cli(["validate", ".", "--config", "wide.yaml"], { workingFolder: folder.path });
    expect(given.out).not.toContain("SCOPE_");
  });

  it("is what simulate and test go by as well", async () => {
    using folder = givenFolder({
      ...files,
      "teams/shop/templates/fix.yaml":
        "name: fix\nsteps:\n  - {name: a, action: {action: restart_pod, parameters: {pod: '{{ subject.name }}'}}}\n",
      "teams/shop/policies/p.yaml":
        "name: p\nrules: [{name: r, on: [X], event: {type: select-template, params: {template: fix}}}]\n",
      "teams/shop/policies/tests/t.yaml":
        "- {name: others are left to others, alert: {labels: {alertname: X, namespace: payments, pod: a}}, expect: {template: fix}}\n",
      "alert.json": JSON.stringify({ labels: { alertname: "X", namespace: "shop", pod: "a" } }),
    });
    const simulated = await cli(["simulate", "--alert", "alert.json"], { workingFolder: folder.path });
    expect(simulated.out).toContain("scope teams/shop: namespaces shop");
    const tested = await cli(["test", "."], { workingFolder: folder.path });
    expect(tested.code).toBe(1);
    expect(tested.out).toContain("p/r is not asked: namespace payments of cluster test");
  });
});
