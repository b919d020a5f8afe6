import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { yamlText } from "../../../src/domain/audit/yaml-text.ts";
import type { Json } from "../../../src/domain/json.ts";

describe("the YAML of a record", () => {
  it("reads back as what was written, whatever it is", () => {
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom(
        "x".repeat(2_000),
        "\u2028".repeat(300),
        "yes",
        "No",
        "~",
        "null",
        "1e3",
        "0x1f",
        "012",
        "2026-11-17",
        "=",
        "<<",
        "- a",
        "a: b",
        "a #b",
      ),
      fc
        .array(fc.constantFrom("one", " two", "three ", "", "\t", "# four", "é"), { minLength: 1 })
        .map((lines) => lines.join("\n")),
    );
    const { value } = fc.letrec<{ value: Json }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom<Json>(null, true, false, 0, -1.5, 1e21),
        text,
        fc.array(tie("value"), { maxLength: 4 }),
        fc.dictionary(text, tie("value"), { maxKeys: 4, noNullPrototype: true }),
      ),
    }));
    fc.assert(
      fc.property(value, (data) => {
        fc.pre(!JSON.stringify(data).includes("__proto__"));
        expect(parse(yamlText(data))).toEqual(data);
      }),
      { numRuns: 1_000 },
    );
  });

  it("is what a person would have typed", () => {
    const data = {
      outcome: "succeeded",
      steps: [{ name: "roll-back", attempts: 1, output: { lines: "first\nsecond: 2\n\nlast" } }, []],
      matrix: [["a", 1], [{ b: null }]],
      at: "2026-11-17T10:00:07.412Z",
      switch: "on",
      nothing: {},
    };
    expect(yamlText(data)).toBe(`outcome: succeeded
steps:
  - name: roll-back
    attempts: 1
    output:
      lines: |-
        first
        second: 2

        last
  - []
matrix:
  - - a
    - 1
  - - b: null
at: "2026-11-17T10:00:07.412Z"
switch: "on"
nothing: {}
`);
  });
});
