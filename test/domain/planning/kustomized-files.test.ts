import { describe, expect, it } from "vitest";
import { kustomizedFiles } from "../../../src/domain/planning/kustomized-files.ts";
import { toProblem } from "../../../src/domain/problem.ts";

const api = "kind: Deployment\nmetadata: {name: api}\nspec: {replicas: 2}\n";
const files = (given: Readonly<Record<string, string>>) =>
  Object.entries(given).map(([path, text]) => ({ path, text }));
const pathsOf = (given: Readonly<Record<string, string>>, fields = ["/spec/replicas"]) =>
  kustomizedFiles(files(given), "prod", fields).map(({ path }) => path);
function refusalOf(given: Readonly<Record<string, string>>, field = "/spec/replicas"): string {
  try {
    return `it took ${pathsOf(given, [field]).join(", ")}`;
  } catch (error) {
    return toProblem(error).message;
  }
}

describe("what is applied of a folder", () => {
  it("is all of it without a kustomization", () => {
    expect(pathsOf({ "prod/api.yaml": api, "prod/sub/web.yaml": api })).toEqual([
      "prod/api.yaml",
      "prod/sub/web.yaml",
    ]);
  });

  it("is what the kustomization names, its folders and patches too, and nothing outside", () => {
    const given = {
      "prod/kustomization.yaml": "resources: [../base, api.yaml, sub]\npatches:\n- path: more.yaml\n",
      "prod/api.yaml": api,
      "prod/more.yaml": `# more of it\n${api}`,
      "prod/old.yaml": api,
      "prod/sub/kustomization.yaml": "resources: [./web.yaml]\n",
      "prod/sub/web.yaml": api,
    };
    expect(pathsOf(given)).toEqual(["prod/api.yaml", "prod/sub/web.yaml", "prod/more.yaml"]);
  });

  it("can name itself without end", () => {
    expect(pathsOf({ "prod/kustomization.yaml": "resources: [., api.yaml]", "prod/api.yaml": api })).toEqual([
      "prod/api.yaml",
    ]);
  });

  it.each([
    ["replicas:\n- {name: api, count: 5}", /^prod\/kustomization\.yaml:2:1: "replicas"/],
    ["components: [../debug]", /^prod\/kustomization\.yaml:2:1: "components"/],
    ["configMapGenerator: []", /"configMapGenerator"/],
    ["namePrefix: x-", /"namePrefix"/],
    ["patches: [{patch: '- op: replace', target: {kind: Deployment}}]", /:2:1: an inline or targeted patch/],
    ["patches: [{path: json.yaml}]", /:2:1: patch json\.yaml is no object/],
    ["patches: [{path: ../../away.yaml}]", /patch \.\.\/\.\.\/away\.yaml/],
  ])("is not known for sure with %s", (line, message) => {
    const given = {
      "prod/kustomization.yaml": `resources: [api.yaml]\n${line}\n`,
      "prod/api.yaml": api,
      "prod/json.yaml": "---\n# list\n- op: replace\n",
    };
    expect(refusalOf(given)).toMatch(message);
  });

  it("has images that are set in the kustomization, which matters to images alone", () => {
    const given = {
      "prod/kustomization.yaml": "resources: [api.yaml]\nimages: [{name: app, newTag: '2'}]\n",
      "prod/api.yaml": api,
    };
    expect(refusalOf(given)).toBe("it took prod/api.yaml");
    expect(refusalOf(given, "/spec/template/spec/containers[name=app]/image")).toMatch(/:2:1: "images"/);
  });

  it("is made by a chart, and refused", () => {
    expect(refusalOf({ "prod/Chart.yaml": "name: api\n", "prod/templates/api.yaml": api })).toMatch(
      /^prod\/Chart\.yaml:1:1: a Helm chart/,
    );
  });
});
