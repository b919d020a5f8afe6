import { describe, expect, it } from "vitest";
import { gitSources } from "../src/app-sources.ts";
import { readConfig } from "../src/config/read-config.ts";

const entry = (more: string) => `
sources:
  - url: https://git.example.org/shop/deploy.git
    values:
      - path: ./charts/api/
        kind: Deployment
        name: api
        field: "/spec/template/spec/containers[name=app]/image"
        file: env/prod.yaml
        at: {repository: /image/repository, tag: /image/tag}
${more}`;

describe("the map of values in gitmend.yaml", () => {
  it("names folders as sources do, with or without dots and slashes", async () => {
    const { config, findings } = readConfig(entry(""), "gitmend.yaml", {});
    expect(findings).toEqual([]);
    expect(config && (await gitSources(config, {}))).toMatchObject([
      {
        namespaces: null,
        values: [
          {
            path: "charts/api",
            file: "env/prod.yaml",
            namespaces: null,
            at: { repository: "/image/repository", tag: "/image/tag", digest: null },
          },
        ],
      },
    ]);
  });

  it.each([
    ["a file outside of the repository", "file: ../secrets.yaml", /must look like/],
    ["a path that is none", "at: replicaCount", /must look like/],
    ["half an image", "at: {tag: /image/tag}", /"repository" is missing/],
  ])("does not take %s", (_, line, message) => {
    const [key = ""] = line.split(":");
    const text = entry("").replace(new RegExp(`${key}: .*`), line);
    const { config, findings } = readConfig(text, "gitmend.yaml", {});
    expect(config).toBeNull();
    expect(findings.map((finding) => finding.message).join()).toMatch(message);
  });
});
