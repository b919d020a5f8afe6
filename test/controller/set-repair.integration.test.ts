// Where what Flux owns is repaired: the same template in Git by default, live or both where a rule says so; and a repair that needs an
// approval is a pull request whose merge is that approval.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CatalogFile } from "../../src/controller/ports.ts";
import type { ExecutionEvent } from "../../src/domain/execution/events.ts";
import { eventually } from "../support/eventually.ts";
import { bad, type FluxOwned, good, manifest, startFluxOwned, type Team } from "../support/flux-owned.ts";
import { git } from "../support/git.ts";
import { startGithub, type TestGithub } from "../support/github.ts";

const namespaces = ["plain", "second", "lively", "asked", "hurried", "merged", "closed"] as const;
const template = `
name: roll-back
configuration: {cooldown: 1h, timeout: 5m}
steps:
  - name: roll-back
    retry: {attempts: 20, backoff: 1s}
    action: {type: kubernetes, action: rollback_deployment, parameters: {revision: last-good, timeout: 30s}}
  - name: verify
    depends_on: [roll-back]
    retry: {attempts: 20, backoff: 1s}
    action: {type: monitoring, action: validate_pod_health, parameters: {wait_timeout: 30s, stable_for: 1s}}
`;
const catalog = (...guards: readonly string[]): readonly CatalogFile[] => [
  { path: "templates/roll-back.yaml", text: template },
  {
    path: "policies/tests.yaml",
    text: `
name: tests
rules:
  - name: bad-image
    on: [ImagePullBackOffPersistent]
    event: {type: select-template, params: {template: roll-back}}
${guards.map((event, index) => `  - name: guard-${index}\n    event: ${event}\n`).join("")}`,
  },
];
const setRepair = (repair: string) => `{type: set-repair, params: {repair: ${repair}, wait: 10m}}`;
const asks = "{type: require-approval, params: {from: [ana], approvals: 1, expires: 30m}}";

let flux: FluxOwned;
let github: TestGithub;
beforeAll(async () => {
  flux = await startFluxOwned(namespaces);
  github = await startGithub();
});
afterAll(async () => {
  await github.stop();
  await flux.stop();
});

type Namespace = (typeof namespaces)[number];
const urlOf = (namespace: Namespace) => `${flux.server.url}/${namespace}.git`;
const sourceOf = (namespace: Namespace) => ({ url: urlOf(namespace), namespaces: [namespace] });
const proposed = ({ bare }: Team) =>
  eventually(
    "a branch is there",
    () => git(bare, ["for-each-ref", "--format=%(refname:short)", "refs/heads/gitmend/"]) || null,
    { seconds: 60 },
  );
const merge = ({ work, bare }: Team, branch: string): string => {
  git(work.folder, ["fetch", "--quiet", "origin"]);
  git(work.folder, ["merge", "--quiet", "--no-ff", "--no-edit", `origin/${branch}`]);
  git(work.folder, ["push", "--quiet", "origin", "HEAD:main"]);
  return git(bare, ["rev-parse", "main"]);
};
const started = (events: readonly ExecutionEvent[]) =>
  events.flatMap((event) => (event.type === "StepStarted" ? [`${event.step}: ${event.call.action}`] : []));
const plannedIn = (events: readonly ExecutionEvent[]) => events.find((event) => event.type === "Planned");

describe("what Flux owns", () => {
  it("is repaired in Git when no rule says otherwise, by a template that knows nothing of Git", async () => {
    const team = await flux.given("plain", urlOf("plain"));
    try {
      const people = async () => {
        const branch = await proposed(team);
        expect(branch).toMatch(/^gitmend\/[0-9a-f]{12}-roll-back$/);
        expect(git(team.bare, ["show", `${branch}:apps/api.yaml`])).toBe(manifest(good).trimEnd());
        expect(flux.deployment("plain")).toContain(bad);
        merge(team, branch);
      };
      const { events, deaths } = await flux.played("plain", {
        catalog: catalog(),
        people,
        dies: true,
        source: sourceOf("plain"),
      });
      expect(events.at(-1)).toMatchObject({ type: "Ended", outcome: "succeeded" });
      expect(deaths.length).toBeGreaterThanOrEqual(4);
      expect(new Set(started(events))).toEqual(
        new Set([
          "roll-back: git_patch_manifest",
          "roll-back/applied: validate_fields",
          "verify: validate_pod_health",
        ]),
      );
      expect(flux.byGitmend("plain", "Deployment")).toBe(0);
      expect(flux.deployment("plain")).toContain(good);
    } finally {
      await team.stop();
    }
  }, 150_000);

  it("is repaired at once and in Git where a rule says both", async () => {
    let applies = true;
    const team = await flux.given("second", urlOf("second"), () => applies);
    try {
      applies = false;
      const people = async () => {
        const branch = await proposed(team);
        expect(branch).toMatch(/-roll-back-git$/);
        await eventually("it is repaired before the merge", () => flux.deployment("second").includes(good));
        merge(team, branch);
        applies = true;
      };
      const { events } = await flux.played("second", {
        catalog: catalog(setRepair("both")),
        people,
        source: sourceOf("second"),
      });
      expect(events.at(-1)).toMatchObject({ type: "Ended", outcome: "succeeded" });
      expect(started(events)).toEqual(
        expect.arrayContaining(["roll-back: rollback_deployment", "roll-back/git: git_patch_manifest"]),
      );
      expect(flux.byGitmend("second", "Deployment")).toBeGreaterThan(0);
      expect(git(team.bare, ["show", "main:apps/api.yaml"])).toBe(manifest(good).trimEnd());
      expect(JSON.stringify(events)).toContain("tests/guard-0");
    } finally {
      await team.stop();
    }
  }, 150_000);

  it("is repaired live where a rule says so, and its repository is left alone", async () => {
    let applies = true;
    const team = await flux.given("lively", urlOf("lively"), () => applies);
    try {
      applies = false;
      const { events } = await flux.played("lively", {
        catalog: catalog(setRepair("live")),
        people: async () => undefined,
        source: sourceOf("lively"),
      });
      expect(events.at(-1)).toMatchObject({ type: "Ended", outcome: "succeeded" });
      expect(started(events)).toEqual(["roll-back: rollback_deployment", "verify: validate_pod_health"]);
      expect(git(team.bare, ["for-each-ref", "--format=%(refname:short)", "refs/heads/gitmend/"])).toBe("");
    } finally {
      await team.stop();
    }
  }, 150_000);
});

describe("a repair in Git that needs an approval", () => {
  const config = {
    approvals: {
      people: [
        { id: "ana", github: ["ana-x"] },
        { id: "ben", github: ["ben-x"] },
      ],
    },
  };
  const sourceOnGithub = (namespace: Namespace) => {
    const tokenFile = join(flux.world.folder, `${namespace}-token`);
    writeFileSync(tokenFile, github.token);
    const forge = {
      type: "github",
      url: github.url,
      repository: github.repository,
      token: { file: tokenFile },
    };
    return { ...sourceOf(namespace), forge };
  };
  /** What git has pushed, as GitHub sees it: the pull request that gitmend opens then. */
  const shown = async (team: Team) => {
    const branch = await proposed(team);
    const head = git(team.bare, ["rev-parse", branch]);
    const { commits, refs, tip } = github.model;
    const files = new Map([["apps/api.yaml", manifest(good)]]);
    commits.set(head, {
      sha: head,
      parents: [tip("main") ?? ""],
      files,
      by: "gitmend@localhost",
      proof: "unsigned",
    });
    refs.set(branch, head);
    const pull = await eventually("it is asked for", () => github.model.pullsOf(branch)[0], { seconds: 30 });
    return { branch, head, pull };
  };
  const mergedOnGithub = (team: Team, branch: string, by: string) => {
    const commit = merge(team, branch);
    const pull = github.model.openPull(branch);
    pull.state = "closed";
    pull.merged = { by, commit, at: new Date().toISOString() };
  };

  it("is approved by its review and merge, in the repository itself, whenever the controller dies", async () => {
    const team = await flux.given("asked", urlOf("asked"));
    try {
      const people = async (announce: () => Promise<void>) => {
        const { branch, head, pull } = await shown(team);
        expect(pull).toMatchObject({ base: "main", head });
        expect(pull.body).toContain("Repair `sim/asked/deploy/api` by merging this?");
        expect(pull.body).toContain(
          `  apps/api.yaml:11\n-         image: ${bad} # the release of today\n+         image: ${good} #`,
        );
        expect(flux.deployment("asked")).toContain(bad);
        github.review(branch, "ana-x");
        mergedOnGithub(team, branch, "ben-x");
        await announce();
      };
      const source = sourceOnGithub("asked");
      const play = { catalog: catalog(asks), people, dies: true, source, config };
      const { events, deaths } = await flux.played("asked", play);
      expect(deaths).toEqual(
        expect.arrayContaining([
          expect.stringContaining("repair-after-push at RepairPrepared"),
          expect.stringContaining("approval-after-open at RepairPrepared"),
        ]),
      );
      expect(events.at(-1)).toMatchObject({ type: "Ended", outcome: "succeeded" });
      const [granted] = events.filter((event) => event.type === "ApprovalGranted");
      expect(granted?.approvals.map(({ by }) => by)).toEqual(["ana", "ben"]);
      expect(events.filter(({ type }) => type === "RepairPrepared")).toHaveLength(1);
      expect(flux.byGitmend("asked", "Deployment")).toBe(0);
      expect(github.model.statuses.at(-1)).toMatchObject({ context: "gitmend/approval", state: "success" });
      expect(git(team.bare, ["rev-list", "--count", "--author=gitmend", "--all"])).toBe("1");
    } finally {
      await team.stop();
    }
  }, 150_000);

  it("merged by who may not approve it is applied by Flux, and gitmend does nothing more", async () => {
    const team = await flux.given("hurried", urlOf("hurried"));
    try {
      const people = async (announce: () => Promise<void>) => {
        const { branch } = await shown(team);
        mergedOnGithub(team, branch, "mallory");
        await announce();
      };
      const play = { catalog: catalog(asks), people, source: sourceOnGithub("hurried"), config };
      const { events } = await flux.played("hurried", play);
      expect(events.at(-1)).toMatchObject({ type: "Ended", outcome: "refused", escalated: true });
      expect(started(events)).toEqual([]);
    } finally {
      await team.stop();
    }
  }, 150_000);

  it("is a pull request also when nobody has to approve it, whenever the controller dies", async () => {
    const team = await flux.given("merged", urlOf("merged"));
    try {
      const people = async () => {
        const { branch, pull } = await shown(team);
        expect(pull.body).toContain("gitmend repairs `sim/merged/deploy/api` here.");
        mergedOnGithub(team, branch, "mallory");
      };
      const play = { catalog: catalog(), people, dies: true, source: sourceOnGithub("merged"), config };
      const { events } = await flux.played("merged", play);
      expect(events.at(-1)).toMatchObject({ type: "Ended", outcome: "succeeded" });
      expect(flux.byGitmend("merged", "Deployment")).toBe(0);
    } finally {
      await team.stop();
    }
  }, 150_000);

  it("closed by a person is rejected, and nothing is changed anywhere", async () => {
    const team = await flux.given("closed", urlOf("closed"));
    try {
      const people = async (announce: () => Promise<void>) => {
        const { branch } = await shown(team);
        github.close(branch, "ben-x");
        await announce();
      };
      const play = { catalog: catalog(asks), people, source: sourceOnGithub("closed"), config };
      const { events } = await flux.played("closed", play);
      expect(events.at(-1)).toMatchObject({ type: "Ended", outcome: "rejected" });
      expect(started(events)).toEqual([]);
      expect(plannedIn(events)).toMatchObject({
        plan: { touches: { actions: expect.arrayContaining(["git_patch_manifest"]) } },
      });
      expect(git(team.bare, ["show", "main:apps/api.yaml"])).toBe(manifest(bad).trimEnd());
    } finally {
      await team.stop();
    }
  }, 150_000);
});
