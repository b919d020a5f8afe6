// What every forge does with a request for approval, whoever keeps it: one request however often it is asked for, and approvals that
// count only when an allowed person gave them for what gitmend wrote. A world says how people act on its forge.
import { beforeEach, describe, expect, it } from "vitest";
import type { ApprovalRequest, ApprovalState, Forge } from "../../src/controller/forge-ports.ts";

export const request: ApprovalRequest = {
  executionId: "0192f1c0-1111-7aaa-8bbb-0123456789ab",
  branch: "gitmend/0123456789ab",
  file: "approvals/0192f1c0-1111-7aaa-8bbb-0123456789ab.yaml",
  content: "# May gitmend roll it back?\n\nplan: rollback-workload\n# Below: approvals\napprovals:\n",
  title: "rollback-workload: KubePodCrashLooping",
  body: "**May gitmend roll it back?**",
  labels: ["gitmend", "risk:high"],
};

/** ana (with two accounts or keys), ben: people of `approvals.people`. mallory: has access, and is nobody there. */
export type Who = "ana" | "ana's other account" | "ben" | "mallory" | "gitmend";

export interface ForgeWorld {
  readonly forge: Forge;
  /** As another replica, or after a restart. */
  another(): Promise<Forge>;
  /** @param head the one that is approved; left out: the branch's own */
  approve(who: Who, head?: string): Promise<void>;
  /** Changes the file on the branch, as somebody of whom the forge knows that it was them; left out: adds a line. */
  edit(who: Who, content?: string): Promise<void>;
  /** Changes it under ben's name, which proves nothing. */
  forgery(content: string): Promise<void>;
  merge(who: Who): Promise<void>;
  reject(who: Who): Promise<void>;
  deleteBranch(): Promise<void>;
  /** Of this branch, open or not. */
  requests(): Promise<number>;
  /** Commits of gitmend on the branch. */
  commits(): Promise<number>;
}

/** @param parts where a forge is reached in several ways, what people do there is all that differs */
export function forgeContract(open: () => Promise<ForgeWorld>, parts: "all" | "decisions" = "all"): void {
  let world: ForgeWorld;
  let head: string;
  beforeEach(async () => {
    world = await open();
    ({ head } = await world.forge.open(request));
  });
  const { branch, file } = request;
  const read = (at = head): Promise<ApprovalState> => world.forge.read({ branch, file, head: at });
  const approvers = async () => {
    const state = await read();
    return state.state === "closed" ? state : state.approvals.map(({ by }) => by);
  };

  const whole = parts === "all" ? describe : () => undefined;
  whole("a request", () => {
    it("is one, however often and by whomever it is asked for", async () => {
      const again = await Promise.all([world.forge.open(request), world.forge.open(request)]);
      const other = await (await world.another()).open(request);
      expect([...again, other].map((opened) => opened.head)).toEqual([head, head, head]);
      expect(await world.requests()).toBe(1);
      expect(await world.commits()).toBe(1);
      expect(await read()).toEqual({ state: "open", approvals: [], remarks: [], edit: null, commands: [] });
    });

    it("moves on when the plan is another, and what was approved is void", async () => {
      await world.approve("ana");
      expect(await approvers()).toEqual(["ana"]);
      const next = await world.forge.open({ ...request, content: `# another\n${request.content}` });
      expect(next.head).not.toBe(head);
      expect(await world.requests()).toBe(1);
      head = next.head;
      expect(await approvers()).toEqual([]);
    });

    it("that is unknown is no rejection: it is asked again later", async () => {
      const unknown = { branch: "gitmend/ffffffffffff", file, head };
      await expect(world.forge.read(unknown)).rejects.toMatchObject({ retryable: true });
    });
  });

  describe("an approval", () => {
    it("of two people counts for both, once each", async () => {
      await world.approve("ana");
      await world.approve("ben");
      expect(await approvers()).toEqual(["ana", "ben"]);
    });

    it("of one person with two accounts is one", async () => {
      await world.approve("ana");
      await world.approve("ana's other account").catch(() => undefined);
      expect(await approvers()).toEqual(["ana"]);
    });

    it("of a stranger or of gitmend itself is none, and people see why", async () => {
      await world.approve("mallory");
      await world.approve("gitmend");
      const state = await read();
      expect(state).toMatchObject({ state: "open", approvals: [] });
      expect(state.state === "open" && state.remarks.length).toBe(2);
    });

    it("of an older commit is none", async () => {
      const next = await world.forge.open({ ...request, content: `# another\n${request.content}` });
      const old = head;
      head = next.head;
      await world.approve("ana", old).catch(() => undefined);
      expect(await approvers()).toEqual([]);
    });
  });

  whole("an edit", () => {
    const content = request.content.replace("rollback-workload\n#", "rollback-workload # slower\n#");
    const edit = async () => {
      const state = await read();
      return state.state === "open" ? state.edit : null;
    };

    it("of a person is shown as it stands, and what was approved is void", async () => {
      await world.approve("ana");
      await world.edit("ben", content);
      expect(await edit()).toMatchObject({ by: ["ben"], head: expect.not.stringMatching(head) });
      expect((await edit())?.text).toContain("rollback-workload # slower");
      expect(await approvers()).toEqual([]);
    });

    it("that gitmend answers with another plan is over, and whoever approves that one counts", async () => {
      await world.edit("ben", content);
      ({ head } = await world.forge.open({ ...request, content: `# another\n${request.content}` }));
      expect(await edit()).toBeNull();
      await world.approve("ana");
      expect(await approvers()).toEqual(["ana"]);
    });

    it("of two people is both people's", async () => {
      await world.edit("ben", content);
      await world.edit("ana", content.replace("slower", "faster"));
      expect((await edit())?.by.toSorted()).toEqual(["ana", "ben"]);
    });

    it("of a stranger is none, and people see why", async () => {
      await world.edit("mallory", content);
      expect(await edit()).toBeNull();
      expect(await read()).toMatchObject({ remarks: expect.arrayContaining([expect.stringMatching(/./)]) });
    });

    it("under the name of a person is none without proof that it was them", async () => {
      await world.forgery(content);
      expect(await edit()).toBeNull();
    });

    it("that follows one without proof is none either", async () => {
      await world.forgery(content);
      await world.edit("ana", content.replace("slower", "faster"));
      expect(await edit()).toBeNull();
    });
  });

  describe("a merge", () => {
    it("brings the approvals with it", async () => {
      await world.approve("ana");
      await world.merge("ben");
      const state = await read();
      expect(state).toMatchObject({
        state: "merged",
        problem: null,
        commit: expect.stringMatching(/^[0-9a-f]{40}$/),
      });
      const people = state.state === "merged" ? state.approvals.map(({ by }) => by) : [];
      expect(people).toContain("ana");
    });

    it("by a stranger of what nobody approved is no approval", async () => {
      await world.merge("mallory");
      expect(await read()).toMatchObject({
        state: "merged",
        approvals: [],
        problem: expect.stringContaining("without an approval"),
      });
    });

    it("of what somebody has changed is worth nothing, whoever approved", async () => {
      await world.approve("ana");
      await world.edit("ben");
      await world.merge("ben");
      const state = await read();
      expect(state).toMatchObject({ state: "merged", approvals: [] });
      expect(state.state === "merged" && state.problem).toBeTruthy();
    });

    it("counts more than that its branch is gone", async () => {
      await world.approve("ana");
      await world.merge("ana");
      await world.deleteBranch();
      expect(await read()).toMatchObject({ state: "merged", problem: null });
    });
  });

  describe("a request that is over", () => {
    it("was rejected by whoever closed it", async () => {
      await world.reject("ana");
      expect(await read()).toMatchObject({ state: "closed", by: "ana" });
    });

    it("was rejected by somebody when its branch is gone", async () => {
      await world.deleteBranch();
      expect((await read()).state).toBe("closed");
    });

    it("and that gitmend has closed says why, twice as well as once", async () => {
      await world.forge.close(branch, "expired");
      await world.forge.close(branch, "expired");
      expect(await read()).toEqual({ state: "closed", by: expect.any(String), reason: "expired" });
    });
  });
}
