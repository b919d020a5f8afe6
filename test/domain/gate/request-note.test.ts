import { describe, expect, it } from "vitest";
import { noteOnApproved, noteOnEnd, noteOnOpen } from "../../../src/domain/gate/request-note.ts";

const open = {
  approvals: [],
  remarks: [],
  missing: "2 more of team:sre",
  joined: [],
  expiresAt: "2026-11-17T10:30:00.000Z",
};
const ana = { by: "ana", at: "2026-11-17T10:00:00Z", commit: "c", verified: true };

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
