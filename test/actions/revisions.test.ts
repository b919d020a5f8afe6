import { describe, expect, it } from "vitest";
import { chooseRevision, type Revision } from "../../src/actions/revisions.ts";

const revision = (
  number: number,
  availablePods: number,
  current = false,
  pods = availablePods,
): Revision => ({
  number,
  pods,
  availablePods,
  current,
  template: {},
});

describe("which revision to roll back to", () => {
  it("is the newest other one that runs completely at this moment", () => {
    const choice = chooseRevision("last-good", [
      revision(4, 0, true),
      revision(3, 1, false, 2),
      revision(2, 3),
      revision(1, 1),
    ]);
    expect(choice).toMatchObject({
      revision: { number: 2 },
      proven: true,
      proof: "proven: all 3 of its pods are available now",
    });
  });

  it("is one that runs in part before one that does not, and is said to be unproven", () => {
    const choice = chooseRevision("last-good", [
      revision(4, 0, true),
      revision(3, 0),
      revision(2, 1, false, 3),
    ]);
    expect(choice).toMatchObject({
      revision: { number: 2 },
      proven: false,
      proof: "earlier revision, not proven, 1 of 3 of its pods are available",
    });
  });

  it("is the previous one, said to be unproven, when no pods of another one are ready", () => {
    const choice = chooseRevision("last-good", [revision(4, 2, true), revision(3, 0), revision(2, 0)]);
    expect(choice).toMatchObject({
      revision: { number: 3 },
      proven: false,
      proof: "previous revision, not proven",
    });
  });

  it("is the previous one when that is asked for, although an older one has ready pods", () => {
    const choice = chooseRevision("previous", [revision(4, 0, true), revision(3, 0), revision(2, 1)]);
    expect(choice.revision.number).toBe(3);
  });

  it("is the one that is named", () => {
    const choice = chooseRevision(2, [revision(4, 0, true), revision(3, 0), revision(2, 0)]);
    expect(choice).toMatchObject({ revision: { number: 2 }, proof: "chosen revision, not proven" });
  });

  it.each([
    ["last-good", [revision(1, 3, true)], "no earlier revision"],
    ["last-good", [], "no earlier revision"],
    [7, [revision(2, 0, true), revision(1, 1)], "no revision 7 (it has 2, 1)"],
    [2, [revision(2, 0, true), revision(1, 1)], "at revision 2 already"],
  ])("is none: %s of %j", (wanted, revisions, words) => {
    expect(() => chooseRevision(wanted, revisions)).toThrow(
      expect.objectContaining({ code: "NOTHING_TO_ROLL_BACK", message: expect.stringContaining(words) }),
    );
  });
});
