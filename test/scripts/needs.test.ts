// A run on a machine without PostgreSQL leaves out exactly the files that start one, and says so.
import { describe, expect, it } from "vitest";
import { suiteFiles } from "../../scripts/needs.ts";

const databaseFile = "test/adapters/postgres/stores.integration.test.ts";
const gitFile = "test/adapters/git/catalog-source.integration.test.ts";

describe("the integration suite on a newcomer's machine", () => {
  it("runs everything when nothing is missing", () => {
    const { run, leftOut } = suiteFiles("integration", []);
    expect(run).toEqual(expect.arrayContaining([databaseFile, gitFile]));
    expect(leftOut).toEqual([]);
  });

  it("leaves out what starts PostgreSQL, and nothing else", () => {
    const { run, leftOut } = suiteFiles("integration", ["postgres"]);
    expect(leftOut).toContainEqual({ file: databaseFile, lacks: ["postgres"] });
    expect(run).toContain(gitFile);
  });

  it("does not count files of other suites", () => {
    const { run } = suiteFiles("unit", []);
    expect(run).toContain("test/docs.test.ts");
    expect(run.filter((file) => /\.(integration|kubernetes|e2e)\./.test(file))).toEqual([]);
  });
});
