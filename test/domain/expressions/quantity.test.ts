// Kubernetes quantities in expressions: exact, in both families of units.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { evaluateExpression } from "../../../src/domain/expressions/evaluate.ts";
import { parseQuantity, quantityText } from "../../../src/domain/expressions/quantity.ts";

const value = (source: string) => evaluateExpression(source, {});

describe("a quantity", () => {
  it.each([
    ["quantity('64Mi') * 2", "128Mi"],
    ["quantity('1Gi') + quantity('512Mi')", "1536Mi"],
    ["quantity('250m') + quantity('1')", "1250m"],
    ["quantity('1.5Gi').text()", "1536Mi"],
    ["quantity('1Gi') / 3", "357913942"],
    ["quantity('64Mi') * 1.5", "96Mi"],
    ["quantity('1e3')", "1k"],
    ["quantity('0')", "0"],
    ["quantity('64Mi') < quantity('1Gi')", true],
    ["quantity('1024Mi') == quantity('1Gi')", true],
    ["greatest(quantity('1Gi'), quantity('2Gi'))", "2Gi"],
    ["clamp(quantity('8Gi'), quantity('1Gi'), quantity('4Gi'))", "4Gi"],
  ])("%s is %j", (source, expected) => {
    expect(value(source)).toBe(expected);
  });

  it("refuses what is none", () => {
    expect(() => value("quantity('64 MB')")).toThrow(/not a quantity/);
    expect(() => value("quantity('1Gi') / 0")).toThrow(/divided by zero/);
  });

  it("is the same after being written and read (property)", () => {
    const units = fc.constantFrom(
      "n",
      "u",
      "m",
      "",
      "k",
      "M",
      "G",
      "T",
      "P",
      "E",
      "Ki",
      "Mi",
      "Gi",
      "Ti",
      "Pi",
      "Ei",
    );
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1_000_000_000 }), units, (amount, unit) => {
        const quantity = parseQuantity(`${amount}${unit}`);
        expect(parseQuantity(quantityText(quantity)).nanos).toBe(quantity.nanos);
      }),
    );
  });
});
