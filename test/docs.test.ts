// The documents keep up with the code: every problem code is explained, every link leads somewhere, no path of
// anybody's machine is left in them.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { actions } from "../src/actions/registry.ts";
import { runPolicyTest } from "../src/cli/run-policy-tests.ts";
import { readConfig } from "../src/config/read-config.ts";
import { compileCatalog } from "../src/domain/policies/compile-catalog.ts";
import { readPolicyTests } from "../src/domain/policy-tests/read-policy-tests.ts";

const root = resolve(import.meta.dirname, "..");
const read = (file: string) => readFileSync(join(root, file), "utf8");

function documents(): string[] {
  const listed = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "*.md"], {
    cwd: root,
    encoding: "utf8",
  });
  return listed.split("\n").filter((file) => file !== "" && existsSync(join(root, file)));
}

/** The codes of the union `ProblemCode`, from its source: a type leaves nothing behind at run time. */
function problemCodes(): string[] {
  const union = /export type ProblemCode =([^;]+);/.exec(read("src/domain/problem.ts"));
  return [...(union?.[1] ?? "").matchAll(/"([A-Z_]+)"/g)].map((match) => match[1] ?? "");
}

/** `## CODE` -> the text up to the next heading. */
function problemSections(): Map<string, string> {
  const parts = read("docs/problems.md").split(/^## (?=[A-Z_]+$)/m);
  return new Map(parts.slice(1).map((part) => [part.slice(0, part.indexOf("\n")), part]));
}

/** GitHub's anchors: lower case, punctuation dropped, blanks to hyphens. */
function anchors(markdown: string): Set<string> {
  const headings = [...markdown.matchAll(/^#{1,6} (.+)$/gm)].map((match) => match[1] ?? "");
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
        .replaceAll(/\s/g, "-"),
    ),
  );
}

/** Fenced examples that say what they are: ```yaml action, ```yaml template, ```yaml policy, ```yaml policy-test, ```yaml catalog, ```yaml gitmend. */
function examples(
  kind: "action" | "template" | "policy" | "policy-test" | "catalog" | "gitmend",
): { name: string; text: string }[] {
  return documents().flatMap((file) =>
    [...read(file).matchAll(new RegExp(`^\`\`\`yaml ${kind}\\n([\\s\\S]*?)^\`\`\``, "gm"))].map(
      (match, index) => ({
        name: `${file} example ${index + 1}`,
        text: match[1] ?? "",
      }),
    ),
  );
}

function brokenLinks(file: string): string[] {
  const prose = read(file).replaceAll(/^```[\s\S]*?^```/gm, "");
  const links = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] ?? "");
  return links.filter((link) => {
    if (/^[a-z]+:/.test(link)) return false;
    const [path = "", anchor] = link.split("#");
    const target = path === "" ? file : relative(root, resolve(root, dirname(file), path));
    if (!existsSync(join(root, target))) return true;
    return anchor !== undefined && !anchors(read(target)).has(anchor);
  });
}

describe("docs/problems.md", () => {
  const sections = problemSections();

  it("reads the closed list from its source", () => {
    expect(problemCodes().length).toBeGreaterThan(30);
  });

  it("has a section for each code and none for another", () => {
    expect([...sections.keys()].sort()).toEqual(problemCodes().sort());
  });

  it.each(problemCodes())("says what %s means, where it comes from and what to do", (code) => {
    const section = sections.get(code) ?? "";
    for (const label of ["Meaning", "Likely cause", "What to do"]) {
      expect(section).toMatch(new RegExp(`^\\*\\*${label}\\.\\*\\* .{20,}`, "m"));
    }
  });
});

describe("the documents", () => {
  it("are found", () => {
    expect(documents()).toEqual(expect.arrayContaining(["README.md", "AGENTS.md", "docs/problems.md"]));
  });

  it.each(documents())("%s has no broken link", (file) => {
    expect(brokenLinks(file)).toEqual([]);
  });

  it.each(documents())("%s names no path of somebody's machine", (file) => {
    expect(read(file)).not.toMatch(/(^|[\s"'`(=])\/(work|home|root|Users)\//m);
  });
});

/** Comparisons and events that stand in the tables of a page, as rules. */
function inlineRules(file: string): string[] {
  const quoted = [...read(file).matchAll(/`(\{[^`]+\})`/g)].map((match) => match[1] ?? "");
  const deny = "{type: deny, params: {reason: x}}";
  return quoted.flatMap((text, index) => {
    if (text.startsWith("{type: "))
      return [
        `{name: r${index}, on: [A${index}], event: ${text.replace(/\{template: .*?\}\}/, "{template: t}")}}`,
      ];
    return text.startsWith("{fact: ") && text.includes("operator:")
      ? [`{name: r${index}, conditions: ${text}, event: ${deny}}`]
      : [];
  });
}

describe("the examples in the tables of write-a-policy.md", () => {
  it("compile", () => {
    const rules = inlineRules("docs/how-to/write-a-policy.md");
    expect(rules.length).toBeGreaterThanOrEqual(15);
    const files = [
      {
        path: "templates/t.yaml",
        text: "name: t\nsteps: [{name: a, action: {action: get_pod_status}}]\n",
      },
      { path: "policies/p.yaml", text: `name: p\nrules:\n${rules.map((rule) => `  - ${rule}\n`).join("")}` },
      ...examples("catalog").map(({ text }) => ({ path: "catalog.yaml", text })),
    ];
    expect(compileCatalog(files, "docs", actions).findings).toEqual([]);
  });
});

describe("the examples in the documents", () => {
  const files = [
    ...examples("action").map(({ text }, index) => ({ path: `actions/${index}.yaml`, text })),
    ...examples("template").map(({ text }, index) => ({ path: `templates/${index}.yaml`, text })),
    ...examples("policy").map(({ text }, index) => ({ path: `policies/${index}.yaml`, text })),
    ...examples("catalog").map(({ text }) => ({ path: "catalog.yaml", text })),
    ...examples("policy-test").map(({ text }, index) => ({ path: `policies/tests/${index}.yaml`, text })),
  ];

  it("compile together as one catalog, without a single finding", () => {
    expect(files.length).toBeGreaterThanOrEqual(2);
    const { catalog, findings } = compileCatalog(files, "docs", actions);
    expect(findings).toEqual([]);
    expect(catalog).not.toBeNull();
  });

  it("are tested by the policy tests among them", async () => {
    const { catalog } = compileCatalog(files, "docs", actions);
    const { tests, findings } = readPolicyTests(files);
    expect([findings, tests.length]).toEqual([[], 3]);
    for (const test of tests) expect(await runPolicyTest(test, catalog!)).toMatchObject({ differences: [] });
  });

  it.each(examples("gitmend"))("$name is a valid gitmend.yaml", ({ name, text }) => {
    const { config, findings } = readConfig(text, name, {});
    expect(findings).toEqual([]);
    expect(config).not.toBeNull();
  });
});
