import { describe, expect, it } from "vitest";
import { noteOnApproved, noteOnEnd, noteOnOpen } from "../../../src/domain/gate/request-note.ts";

const open = {
  approvals: [],
  remarks: [],
  missing: "2 more of team:sre",
  edits: [],
  added: [],
  joined: [],
  heldBy: null,
  asksHelp: false,
  id: "0123456789ab",
  expiresAt: "2026-11-17T10:30:00.000Z",
};
const ana = { by: "ana", at: "2026-11-17T10:00:00Z", commit: "c", verified: true };

describe("the comment beside a request", () => {
  it("says who holds it and how it goes on, and what can be said there when somebody asks", () => {
    const held = noteOnOpen({ ...open, heldBy: "ben" }).comment;
    expect(held).toContain("**Held by ben**: nothing starts, approved or not");
    expect(held).toContain("`gitmend resume --execution 0123456789ab`");
    const help = noteOnOpen({ ...open, asksHelp: true }).comment;
    expect(help).toMatch(/`\/gitmend hold`.*`\/gitmend help`.*approving review and the merge/s);
  });

  it("says who has changed which parameter, once all is planned anew", () => {
    const edits = [
      { by: ["ben"], changes: [{ pointer: "/grace_seconds", before: 30, after: 10 }] },
      { by: ["ana", "ben"], changes: [{ pointer: "/image", before: "web:1" }] },
    ];
    expect(noteOnOpen({ ...open, edits }).comment).toBe(
      'Changed by ben, ana; the plan was made anew, and what was approved before does not count:\n\n```diff\n- grace_seconds: 30\n+ grace_seconds: 10\n- image: "web:1"\n```',
    );
  });
});

describe("the status of a request", () => {
  it("says who has approved, what it waits for, and until when", () => {
    expect(noteOnOpen(open)).toEqual({
      state: "pending",
      status: "waits for 2 more of team:sre until 10:30 UTC",
      comment: null,
    });
    expect(noteOnOpen({ ...open, approvals: [ana], missing: "" }).status).toBe(
      "approved by ana; waits to be merged until 10:30 UTC",
    );
    expect(noteOnApproved([ana])).toEqual({ state: "success", status: "approved by ana", comment: null });
  });

  it("fits where 140 characters are allowed, however long the reason and its letters are", () => {
    const { status, state } = noteOnEnd("refused", "\u{1F600}\n".repeat(300));
    expect([[...status].length, state, status.includes("\n")]).toEqual([140, "failure", false]);
  });
});

describe("the comment on a request", () => {
  it("counts the alerts that joined by name, and says that the plan is the same", () => {
    const joined = [...Array.from({ length: 4_999 }, () => "KubePodCrashLooping"), "Busy"];
    const { comment } = noteOnOpen({ ...open, joined });
    expect(comment).toBe(
      "Alerts that joined since people were asked; the plan is the same:\n\n- KubePodCrashLooping: 4999\n- Busy: 1",
    );
  });

  it("shows ten of what does not count, and nothing that somebody wrote as more than text", () => {
    const remarks = Array.from(
      { length: 11 },
      (_, index) => `@team-${index} [x](https://evil.test)\n# does not count`,
    );
    const { comment } = noteOnOpen({ ...open, remarks });
    expect(comment?.match(/^- .*does not count$/gm)).toHaveLength(10);
    expect(comment).toMatch(/\n- and 1 more like these$/);
    expect(comment).not.toMatch(/@team|(?<!\\)\]\(|:\/\/|^#/m);
  });

  it("says at the end that nothing was changed, and why", () => {
    expect(noteOnEnd("refused", "merged too early: 1 more of team:dba").comment).toBe(
      "**refused**: merged too early: 1 more of team:dba.\n\nNothing was changed.",
    );
  });
});
