import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Amounts, amountsOf, raiseAmounts } from "../../src/actions/more-resources.ts";
import { parseQuantity, quantityText } from "../../src/domain/expressions/quantity.ts";

const present = (request: string | null, limit: string | null): Amounts => ({
  request: request === null ? null : parseQuantity(request),
  limit: limit === null ? null : parseQuantity(limit),
});
const texts = ({ request, limit }: Amounts) =>
  [request, limit].map((one) => (one === null ? null : quantityText(one)));
const ceiling = (most: string) => ({ most: parseQuantity(most), name: "LimitRange small" });

describe("how much more a container gets", () => {
  it.each([
    [{ factor: 2 }, "64Mi", "128Mi", ["128Mi", "256Mi"]],
    [{ factor: 1.5 }, "100m", "200m", ["150m", "300m"]],
    [{ factor: 2, max: "192Mi" }, "64Mi", "128Mi", ["96Mi", "192Mi"]],
    [{ add: "64Mi" }, "128Mi", "128Mi", ["192Mi", "192Mi"]],
    ["1Gi", null, "512Mi", [null, "1Gi"]],
    ["1Gi", "512Mi", null, ["1Gi", null]],
    [2, "500m", "1", ["1", "2"]],
    [{ factor: 3 }, "1", "3", ["3", "9"]],
    ["100Mi", "33Mi", "99Mi", ["34952534", "100Mi"]],
  ])("%j of %s/%s", (wanted, request, limit, expected) => {
    const raise = raiseAmounts(wanted, present(request, limit), null);
    expect(raise.amounts === null ? raise.why : texts(raise.amounts)).toEqual(expected);
  });

  it.each([
    ["64Mi", "64Mi", "128Mi", "is 128Mi already"],
    [{ factor: 2, max: "1Gi" }, null, "2Gi", "is 2Gi already and may have at most 1Gi"],
    [{ factor: 2 }, null, null, "has neither request nor limit"],
  ])("is nothing: %j of %s/%s", (wanted, request, limit, why) => {
    expect(raiseAmounts(wanted, present(request, limit), null)).toEqual({ amounts: null, why });
  });

  it("is cut to a ceiling when it is relative, and refused when it is not", () => {
    const raise = raiseAmounts({ factor: 4 }, present("64Mi", "128Mi"), ceiling("256Mi"));
    expect(raise.amounts === null ? raise.why : texts(raise.amounts)).toEqual(["128Mi", "256Mi"]);
    expect(() => raiseAmounts("512Mi", present("64Mi", "128Mi"), ceiling("256Mi"))).toThrow(
      expect.objectContaining({ code: "PRECONDITION_FAILED" }),
    );
  });

  it.each([null, "", "lots", "-1Gi", {}, { factor: "2" }, { add: "0" }])("%j is no amount", (wanted) => {
    expect(() => raiseAmounts(wanted, present("1", "1"), null)).toThrow(
      expect.objectContaining({ code: "PARAMETER_INVALID" }),
    );
  });

  it("never lowers, and never asks for more than the limit", () => {
    const mebibytes = fc.integer({ min: 1, max: 1_000_000 }).map((value) => `${value}Mi`);
    fc.assert(
      fc.property(mebibytes, mebibytes, fc.double({ min: 1, max: 10, noNaN: true }), (one, other, factor) => {
        const [request, limit] = [parseQuantity(one), parseQuantity(other)].toSorted((a, b) =>
          a.nanos < b.nanos ? -1 : 1,
        ) as [ReturnType<typeof parseQuantity>, ReturnType<typeof parseQuantity>];
        const { amounts } = raiseAmounts({ factor }, { request, limit }, null);
        if (amounts === null) return;
        expect(amounts.limit!.nanos > limit.nanos).toBe(true);
        expect(amounts.request!.nanos >= request.nanos).toBe(true);
        expect(amounts.request!.nanos <= amounts.limit!.nanos).toBe(true);
      }),
    );
  });

  it("reads what a container has, whatever is written there", () => {
    expect(amountsOf({ limits: { cpu: 2 } }, "cpu")).toMatchObject({
      request: null,
      limit: { nanos: 2_000_000_000n },
    });
    expect(amountsOf({ limits: { cpu: "much" }, requests: "none" }, "cpu")).toEqual({
      request: null,
      limit: null,
    });
    expect(amountsOf(undefined, "memory")).toEqual({ request: null, limit: null });
  });
});
