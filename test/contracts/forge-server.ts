// What every forge with a server does beyond test/contracts/forge.ts: it shows how a request stands, outlives each fault of the server
// without asking twice, sends its credential nowhere else, and is deceived by nothing that people can do there.
import { beforeEach, describe, expect, it } from "vitest";
import type { ServerForge } from "../../src/controller/forge-ports.ts";
import type { Problem } from "../../src/domain/problem.ts";
import type { ForgeModel } from "../support/forge-model.ts";
import type { ForgeServer } from "../support/forge-server.ts";
import { request } from "./forge.ts";
import { proposedBranchContract } from "./proposed-branch.ts";

export interface ForgeServerWorld {
  readonly server: ForgeServer;
  readonly model: ForgeModel;
  /** As another replica, or after a restart. */
  another(credential?: string): ServerForge;
  /** In the forge's own words. */
  approve(account: string): void;
  /** Of ana, ben and somebody who is nobody of approvals.people. */
  readonly accounts: Readonly<Record<"ana" | "ben" | "mallory", string>>;
  /** Ends of the paths that a request is written to with POST. */
  readonly writes: readonly string[];
  /** A status whose words alone change says so in the comment. */
  readonly statusInComment?: boolean;
  /** The clock of the process goes on. */
  later(seconds: number): void;
}

const { branch, file } = request;

export function forgeServerContract(open: () => Promise<ForgeServerWorld>): void {
  let world: ForgeServerWorld;
  beforeEach(async () => {
    world = await open();
  });
  const problem = (promise: Promise<unknown>) =>
    promise.then(
      () => null,
      (error: unknown) => error as Problem,
    );
  const read = (head: string) => world.another().read({ branch, file, head });
  const seen = async (head: string) => {
    const state = await read(head);
    return state.state === "open" ? state : null;
  };

  proposedBranchContract(open);

  describe("shows how it stands", () => {
    const waits = { state: "pending", status: "waits for 1 more of ana", comment: null } as const;
    const remark = { ...waits, comment: "mallory does not count" };
    const said = (status: string) => (world.statusInComment === true ? `${status}.` : "");
    const bodies = () => world.model.commentsOf(branch).map(({ body }) => body);

    it("as a status of the commit that is approved, written once, also after a restart", async () => {
      const forge = world.another();
      const { head } = await forge.open(request);
      await forge.tell({ branch, head }, waits);
      await forge.tell({ branch, head }, waits);
      expect(world.model.statuses).toMatchObject([
        { sha: head, context: "gitmend/approval", description: waits.status },
      ]);
      expect(bodies()).toEqual([said(waits.status)].filter((body) => body !== ""));
      await world
        .another()
        .tell({ branch, head }, { state: "success", status: "approved by ana", comment: null });
      expect(world.model.statuses.at(-1)).toMatchObject({ state: "success", description: "approved by ana" });
    });

    it("in one comment that changes in place, whoever drives it, and beside what people say", async () => {
      const { head } = await world.another().open(request);
      world.model.say(world.model.openPull(branch), world.accounts.mallory, "let me in");
      await world.another().tell({ branch, head }, remark);
      await world.another().tell({ branch, head }, { ...remark, comment: "two do not count" });
      const both = [said(waits.status), "two do not count"].filter((body) => body !== "");
      expect(bodies()).toEqual(["let me in", both.join("\n\n")]);
    });

    it("with its labels and its words, and why it was closed", async () => {
      const { repository } = await world.another().open(request);
      expect(repository).toMatch(/^https:\/\//);
      const [pull] = world.model.pullsOf(branch);
      expect(pull).toMatchObject({ title: request.title, body: request.body, base: "gitmend-approvals" });
      expect([...(pull?.labels ?? [])]).toEqual(["gitmend", "risk:high"]);
      await world.another().close(branch, "resolved");
      expect([...(pull?.labels ?? [])]).toContain("resolved");
      expect([pull?.state, world.model.tip(branch)]).toEqual(["closed", null]);
    });
  });

  describe("is not deceived", () => {
    it("by a commit that bears gitmend's name", async () => {
      const { head } = await world.another().open(request);
      world.model.push(branch, world.model.bot, { [file]: "other\n" }, "unsigned");
      world.model.push(branch, world.accounts.ben, { [file]: "another\n" });
      expect(await seen(head)).toMatchObject({
        edit: null,
        remarks: [expect.stringContaining("pushed"), expect.stringContaining("nothing proves who made")],
      });
    });

    it("by a change beside the file", async () => {
      const { head } = await world.another().open(request);
      world.model.push(branch, world.accounts.ben, {
        [file]: "other\n",
        "policies/mine.yaml": "rules: []\n",
      });
      expect(await seen(head)).toMatchObject({
        edit: null,
        remarks: [expect.stringContaining("pushed"), `only ${file} may be edited, not policies/mine.yaml`],
      });
    });

    it("by who has pushed and approves, even where the file is what it was", async () => {
      const { head } = await world.another().open(request);
      world.model.push(branch, world.accounts.ana, { "other.txt": "x" });
      world.approve(world.accounts.ana);
      world.approve(world.accounts.ben);
      world.model.merge(branch, world.accounts.ben);
      expect(await read(head)).toMatchObject({
        state: "merged",
        approvals: [],
        problem: expect.stringContaining("somebody has pushed to it"),
      });
    });

    it("by a merge into another branch", async () => {
      const { head } = await world.another().open(request);
      world.approve(world.accounts.ana);
      world.model.openPull(branch).base = "main";
      world.model.merge(branch, world.accounts.ben);
      const problem = "it was merged into main, not gitmend-approvals";
      expect(await read(head)).toMatchObject({ approvals: [], problem });
    });

    it("by a merge that changes the file", async () => {
      const { head } = await world.another().open(request);
      world.approve(world.accounts.ana);
      world.model.merge(branch, world.accounts.ben, { [file]: "something else\n" });
      expect(await read(head)).toMatchObject({ approvals: [], problem: "the merge changed the file" });
    });
  });

  it("hears what people that it knows say to it, and nobody else", async () => {
    const { head } = await world.another().open(request);
    const say = (by: string, text: string) => world.model.say(world.model.openPull(branch), by, text);
    say(world.accounts.ben, "/gitmend hold\nI look at it first");
    say(world.accounts.mallory, "/gitmend hold");
    say(world.accounts.ana, "please /gitmend hold");
    const at = expect.stringMatching(/^20/);
    expect((await seen(head))?.commands).toEqual([{ by: "ben", command: "hold", at }]);
  });

  describe("when the server fails", () => {
    it.each(["500", "reset", "lost"])(
      "with %s at any write, asking again makes one request",
      async (kind) => {
        for (const path of world.writes) {
          let left = 1;
          world.server.fault = (method, at) => {
            if (method !== "POST" || !at.endsWith(path) || (left -= 1) !== 0) return null;
            return kind === "reset" ? "reset" : { status: 500, after: kind === "lost" };
          };
          const failed = await problem(world.another().open(request));
          // An answer that was lost may be seen to have come about.
          if (kind !== "lost" || failed !== null)
            expect(failed, path).toMatchObject({ code: "FORGE_UNAVAILABLE", retryable: true });
          expect(left, path).toBe(0);
          const { head } = await world.another().open(request);
          expect(world.model.pullsOf(branch)).toHaveLength(1);
          expect([...(world.model.pullsOf(branch)[0]?.labels ?? [])]).toEqual(["gitmend", "risk:high"]);
          expect(head).toBe(world.model.tip(branch));
          expect(await read(head)).toMatchObject({ state: "open" });
          world = await open();
        }
      },
    );

    it("because it was asked too often, it is not asked again before the time that it gave", async () => {
      world.server.fault = () => ({ status: 429, headers: { "retry-after": "90" } });
      const forge = world.another();
      expect(await problem(forge.open(request))).toMatchObject({
        code: "FORGE_UNAVAILABLE",
        retryable: true,
        details: { retryAfterSeconds: 90 },
      });
      const { length } = world.server.calls;
      expect(await problem(forge.open(request))).toMatchObject({ code: "FORGE_UNAVAILABLE" });
      expect(world.server.calls).toHaveLength(length);
      world.server.fault = () => null;
      world.later(91);
      expect((await forge.open(request)).base).toBe("gitmend-approvals");
    });

    it("because the credential is wrong, nobody is told to wait, and the credential is not shown", async () => {
      const failed = await problem(world.another("wrong-token").open(request));
      expect(failed).toMatchObject({ code: "FORGE_REFUSED", retryable: false });
      expect(JSON.stringify([failed?.message, failed?.details])).not.toContain("wrong-token");
    });

    it("with a redirect, the credential does not follow it", async () => {
      world.server.fault = () => ({ status: 301, headers: { location: "http://127.0.0.1:1/elsewhere" } });
      expect(await problem(world.another().open(request))).toMatchObject({ code: "FORGE_REFUSED" });
    });
  });

  it("is asked for again and again without the answers being sent again", async () => {
    const forge = world.another();
    const { head } = await forge.open(request);
    await forge.read({ branch, file, head });
    const before = world.server.calls.length;
    await forge.read({ branch, file, head });
    expect(new Set(world.server.calls.slice(before).map(({ status }) => status))).toEqual(new Set([304]));
  });
}
