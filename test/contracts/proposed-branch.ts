// What every forge with a server does with a branch that git has pushed: it is asked for once, its merge is judged like an approval,
// and nothing of it may be edited.
import { beforeEach, describe, expect, it } from "vitest";
import type { ProposedBranch } from "../../src/controller/forge-ports.ts";
import { request as approval } from "./forge.ts";
import type { ForgeServerWorld } from "./forge-server.ts";

const { branch } = approval;
const base = "main";
const file = "apps/api.yaml";

export function proposedBranchContract(open: () => Promise<ForgeServerWorld>): void {
  describe("a branch that was pushed already", () => {
    let world: ForgeServerWorld;
    let request: ProposedBranch;
    beforeEach(async () => {
      world = await open();
      const { model } = world;
      const tip = model.tip(base) ?? "";
      const head = model.commit(
        [tip],
        new Map([...model.filesAt(base), [file, "good\n"]]),
        "gitmend@localhost",
      );
      model.refs.set(branch, head);
      const shown = {
        title: "fix: Deployment shop/api",
        body: "**Repair it?**",
        labels: ["gitmend", "risk:high"],
      };
      request = { branch, base, head, ...shown };
    });
    const read = () => world.another().readProposed(request);

    it("is asked for once, by whomever and however often, and is the commit that was pushed", async () => {
      const [one, other] = await Promise.all([
        world.another().propose(request),
        world.another().propose(request),
      ]);
      expect(one).toMatch(/^https:\/\//);
      expect([other, await world.another().propose(request)]).toEqual([one, one]);
      const [pull, ...more] = world.model.pullsOf(branch);
      expect(more).toEqual([]);
      expect(pull).toMatchObject({ base, title: request.title, body: request.body, head: request.head });
      expect([...(pull?.labels ?? [])]).toEqual(request.labels);
      expect(world.model.tip(branch)).toBe(request.head);
      expect(await read()).toEqual({ state: "open", approvals: [], remarks: [], edit: null, commands: [] });
    });

    it.each(["500", "reset", "lost"])(
      "with %s at any write is one request after it was asked for again",
      async (kind) => {
        const writes = world.writes.filter((path) => !/contents|commits|refs|trees|branches/.test(path));
        for (const path of writes) {
          let left = 1;
          world.server.fault = (method, at) => {
            if (method !== "POST" || !at.endsWith(path) || (left -= 1) !== 0) return null;
            return kind === "reset" ? "reset" : { status: 500, after: kind === "lost" };
          };
          await world
            .another()
            .propose(request)
            .catch(() => undefined);
          await world.another().propose(request);
          expect(world.model.pullsOf(branch), path).toHaveLength(1);
          expect([...(world.model.pullsOf(branch)[0]?.labels ?? [])]).toEqual(request.labels);
        }
      },
    );

    it("that somebody has pushed to or deleted before is not asked for", async () => {
      world.model.push(branch, world.accounts.ben, { [file]: "other\n" });
      const moved = `branch ${branch} of`;
      await expect(world.another().propose(request)).rejects.toMatchObject({
        code: "FORGE_REFUSED",
        message: expect.stringContaining(moved),
      });
      world.model.deleteBranch(branch);
      await expect(world.another().propose(request)).rejects.toMatchObject({
        code: "FORGE_REFUSED",
        message: expect.stringContaining("is not there"),
      });
      expect(world.model.pullsOf(branch)).toEqual([]);
    });

    it("is approved by who is allowed, and counts when it is merged", async () => {
      await world.another().propose(request);
      world.approve(world.accounts.ana);
      expect(await read()).toMatchObject({ state: "open", approvals: [{ by: "ana", commit: request.head }] });
      world.model.merge(branch, world.accounts.ben);
      const { refs } = world.model;
      expect(await read()).toMatchObject({
        state: "merged",
        problem: null,
        commit: refs.get(base),
        approvals: [{ by: "ana" }, { by: "ben" }],
      });
      expect(await world.another().propose(request)).toMatch(/^https:\/\//);
      expect(world.model.pullsOf(branch)).toHaveLength(1);
    });

    it("is reached by an account that cannot merge it", async () => {
      expect(await world.another().reach(base)).toContain(`${base} is protected`);
      await expect(world.another().reach("none")).rejects.toMatchObject({ code: "FORGE_REFUSED" });
    });

    it("that a stranger has merged has no approval", async () => {
      await world.another().propose(request);
      world.model.merge(branch, world.accounts.mallory);
      expect(await read()).toMatchObject({
        state: "merged",
        approvals: [],
        problem: expect.stringContaining("merged without an approval that counts"),
      });
    });

    it("that was changed is approved by nobody, and refused when it is merged", async () => {
      await world.another().propose(request);
      world.approve(world.accounts.ana);
      world.model.push(branch, world.accounts.ben, { [file]: "bad\n" });
      const pushed = expect.stringContaining("somebody has pushed to it");
      const advice = "a repair is merged or closed as it is: change it in a branch of your own";
      expect(await read()).toMatchObject({
        state: "open",
        approvals: [],
        edit: null,
        remarks: [pushed, advice],
      });
      world.approve(world.accounts.ana);
      world.model.merge(branch, world.accounts.ana);
      expect(await read()).toMatchObject({ state: "merged", approvals: [], problem: pushed });
    });

    it("merged into another branch is refused", async () => {
      await world.another().propose(request);
      world.approve(world.accounts.ana);
      world.model.refs.set("release", world.model.tip(base) ?? "");
      world.model.openPull(branch).base = "release";
      world.model.merge(branch, world.accounts.ben);
      expect(await read()).toMatchObject({ approvals: [], problem: "it was merged into release, not main" });
    });

    it("is rejected when its branch is deleted", async () => {
      await world.another().propose(request);
      world.model.deleteBranch(branch);
      expect(await read()).toMatchObject({ state: "closed" });
    });

    it("is rejected by who closes it", async () => {
      await world.another().propose(request);
      world.model.close(branch, world.accounts.ben);
      expect(await read()).toMatchObject({ state: "closed", by: "ben" });
      expect(await world.another().propose(request)).toMatch(/^https:\/\//);
      expect(world.model.pullsOf(branch)).toHaveLength(1);
    });

    it("shows how it stands, and why gitmend has closed it", async () => {
      await world.another().propose(request);
      const note = {
        state: "pending",
        status: "waits for 1 more of ana",
        comment: "ben does not count",
      } as const;
      await world.another().tell({ branch, head: request.head }, note);
      expect(world.model.statuses).toMatchObject([{ sha: request.head, context: "gitmend/approval" }]);
      expect(world.model.commentsOf(branch).map(({ body }) => body)).toEqual([
        expect.stringContaining("ben does not count"),
      ]);
      await world.another().close(branch, "resolved");
      const [pull] = world.model.pullsOf(branch);
      expect([pull?.state, world.model.tip(branch)]).toEqual(["closed", null]);
      expect([...(pull?.labels ?? [])]).toContain("resolved");
      expect(await read()).toMatchObject({ state: "closed", reason: "resolved" });
    });
  });
}
