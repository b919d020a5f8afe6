import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { adapt } from "../../../src/domain/planning/adapt.ts";

const bounds = { minimum: 2, maximum: 10, measure: { promql: "load", target: 0.7 } };
const plain = { ...bounds, measure: null };

describe("the next number of replicas", () => {
  it.each([
    ["twice the load", 3, 2, 1.4, 4],
    ["a little over the target", 3, 2, 0.75, 2],
    ["three of them, twice too much each, by the error of a float", 4, 3, 0.7 * 2, 6],
    ["far too much load", 3, 2, 70, 10],
    ["no load at all, and a step that adds", 3, 2, 0, 2],
    ["little load, and a step that takes away", 4, 6, 0.35, 3],
    ["much load, and a step that takes away", 4, 6, 1.4, 6],
  ])("is what the load asks for: %s", (_why, planned, present, load, expected) => {
    expect(adapt(planned, present, bounds, load).to).toBe(expected);
  });

  it.each([
    ["no number", Number.NaN],
    ["no end", Number.POSITIVE_INFINITY],
    ["less than nothing", -1],
    ["what no pod can carry", 701],
    ["no Prometheus", "no Prometheus is configured for cluster prod-eu"],
  ])("is the planned one when the measure is %s, and the reason says so", (_what, load) => {
    const { to, reason } = adapt(4, 2, bounds, load);
    expect(to).toBe(4);
    expect(reason).toMatch(/^the load is not known, so the plan holds: /);
  });

  it("stays within the bounds when nothing is measured", () => {
    expect(adapt(17, 2, plain, null)).toEqual({ to: 10, reason: "at most 10" });
    expect(adapt(1, 4, plain, null)).toEqual({ to: 2, reason: "at least 2" });
    expect(adapt(4, 2, plain, null)).toEqual({ to: 4, reason: "" });
  });

  it("takes no replica away where somebody has scaled past the bounds already", () => {
    expect(adapt(17, 15, plain, null)).toEqual({
      to: 15,
      reason: "at most 10; a step that adds takes none away: 15 stay",
    });
  });

  it("tells how it was reached", () => {
    expect(adapt(3, 4, bounds, 0.35).reason).toBe("the load is 0.35, 0.7 is aimed at: 4 would have to be 2");
    expect(adapt(3, 2, bounds, 0.71).reason).toBe("the load is 0.71, 0.7 is aimed at: 2 are right");
  });

  it("lies between the present and the bounds, whatever is measured", () => {
    const count = fc.integer({ min: 0, max: 1000 });
    const load = fc.oneof(fc.double(), fc.constant(null), fc.string());
    fc.assert(
      fc.property(count, count, count, count, load, (planned, present, one, other, measured) => {
        const [minimum, maximum] = [Math.min(one, other), Math.max(one, other)];
        const { to } = adapt(planned, present, { ...bounds, minimum, maximum }, measured);
        expect(Number.isInteger(to)).toBe(true);
        expect(to === present || (to >= minimum && to <= maximum)).toBe(true);
        expect(planned < present ? to <= present : to >= present).toBe(true);
      }),
    );
  });
});
