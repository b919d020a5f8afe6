// A target that Flux owns, and whose manifest in Git is bad: the repair is a branch in the repository that the manifest comes from. Nothing
// is changed in the cluster by gitmend; what people merge is what Flux applies. Whatever becomes of the controller meanwhile.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CatalogFile } from "../../src/controller/ports.ts";
import { eventually } from "../support/eventually.ts";
import { bad, type FluxOwned, good, manifest, startFluxOwned, token } from "../support/flux-owned.ts";
import { git } from "../support/git.ts";

const template = `
name: last-good-image
configuration: {cooldown: 1h, timeout: 30m}
steps:
  - name: patch
    retry: {attempts: 20, backoff: 1s}
    action:
      type: custom
      action: git_patch_manifest
      parameters:
        repository: "{{ target.manager.source.url }}"
        branch: "{{ target.manager.source.follows }}"
        path: "{{ target.manager.source.path }}"
        fields: {"/spec/template/spec/containers[name=app]/image": "${good}"}
        wait_timeout: 10m
  - name: apply
    retry: {attempts: 20, backoff: 1s}
    action:
      type: kubernetes
      action: reconcile_flux
      parameters:
        kind: "{{ target.manager.object.kind }}"
        namespace: "{{ target.manager.object.namespace }}"
        name: "{{ target.manager.object.name }}"
`;
const policy = `
name: tests
rules:
  - name: bad-image
    on: [ImagePullBackOffPersistent]
    event: {type: select-template, params: {template: last-good-image}}
`;
const catalog: readonly CatalogFile[] = [
  { path: "templates/last-good-image.yaml", text: template },
  { path: "policies/tests.yaml", text: policy },
];

let flux: FluxOwned;
beforeAll(async () => {
  flux = await startFluxOwned(["owned", "foreign"]);
});
afterAll(async () => {
  await flux.stop();
});

describe("a target whose bad manifest stands in Git", () => {
  it("recovers when people merge the repair, and not before, though the controller dies again and again", async () => {
    const team = await flux.given("owned", `${flux.server.url}/owned.git`);
    try {
      const people = async () => {
        const branch = await eventually(
          "a branch is there",
          () => git(team.bare, ["for-each-ref", "--format=%(refname:short)", "refs/heads/gitmend/"]) || null,
          { seconds: 60 },
        );
        expect(branch).toMatch(/^gitmend\/[0-9a-f]{12}-patch$/);
        expect(git(team.bare, ["show", `${branch}:apps/api.yaml`])).toBe(manifest(good).trimEnd());
        expect(flux.deployment("owned")).toContain(bad);
        git(team.work.folder, ["fetch", "--quiet", "origin"]);
        git(team.work.folder, ["merge", "--quiet", "--no-ff", "--no-edit", `origin/${branch}`]);
        git(team.work.folder, ["push", "--quiet", "origin", "HEAD:main"]);
      };
      const { events, deaths } = await flux.played("owned", { catalog, people, dies: true });
      expect(events.at(-1)).toMatchObject({ type: "Ended", outcome: "succeeded" });
      expect(deaths.length).toBeGreaterThanOrEqual(4);
      expect(flux.deployment("owned")).toContain(good);
      expect(flux.byGitmend("owned", "Deployment")).toBe(0);
      expect(git(team.bare, ["log", "--no-merges", "--format=%an", "main", "--", "apps"])).toBe(
        "gitmend\ntest",
      );
      expect(JSON.stringify(events)).not.toContain(token);
    } finally {
      await team.stop();
    }
  }, 150_000);

  it("has nothing read, pushed or changed when its source is not one of ours", async () => {
    const asked = flux.server.requests.length;
    const team = await flux.given("foreign", `${flux.server.url}/foreign.git`);
    try {
      const { events, log } = await flux.played("foreign", { catalog, people: async () => undefined });
      expect(events).toEqual([]);
      expect(log).toContain("foreign.git is none of `sources` in gitmend.yaml");
      expect(flux.server.requests).toHaveLength(asked);
      expect(flux.byGitmend("foreign", "Deployment")).toBe(0);
    } finally {
      await team.stop();
    }
  }, 150_000);
});
