// docs/reference/attacks.md says what holds which attack: a line whose test is gone is a promise that nobody keeps.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "..");
const lines = readFileSync(join(root, "docs/reference/attacks.md"), "utf8")
  .split("\n")
  .filter((line) => line.startsWith("| ") && !/^\| (somebody|---)/.test(line));
const attacks = lines.map((line) => {
  const [attack = ""] = line.slice(2).split(" | ");
  const [, file = "", title = ""] = /`(test\/[^`]+)`: (.+?) \|$/.exec(line) ?? [];
  return { attack, file, title };
});

describe("the page of attacks", () => {
  it("has all of them", () => {
    expect(attacks.length).toBeGreaterThan(30);
  });

  it.each(attacks)("somebody $attack: there is a test", ({ file, title }) => {
    expect(file, "a line names its test as `test/…`: title").not.toBe("");
    const text = readFileSync(join(root, file), "utf8");
    expect(text.includes(`"${title}"`), `${file} has no test "${title}"`).toBe(true);
  });
});
