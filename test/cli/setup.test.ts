import { describe, expect, it } from "vitest";
import { forgeSetups } from "../../src/cli/forge-setup.ts";
import { cli } from "./given-cli.ts";
import { givenFolder } from "./given-folder.ts";

const config = `approvals:
  people: [{id: ana, gitlab: [ana-x]}]
  teams: {sre: [ana]}
  forge: {type: gitlab, url: https://gitlab.example.org/api/v4, repository: platform/team/approvals, token: {env: T}}
`;

describe("gitmend setup forge", () => {
  it("says what gitmend needs on the forge that is configured, and no more", async () => {
    using given = givenFolder({ "gitmend.yaml": config });
    const { code, out } = await cli(["setup", "forge"], { workingFolder: given.path });
    expect(code).toBe(0);
    expect(out).toMatch(/^On gitlab, in platform\/team\/approvals:\n/);
    expect(out).toMatch(/role: Developer\n.*gitmend-approvals, protected:.*No one.*\/webhooks\/gitlab/s);
  });

  it.each(Object.keys(forgeSetups))("can be asked for %s before there is a configuration", async (type) => {
    const { code, out } = await cli(["setup", "forge", "--type", type, "--output", "json"]);
    expect([code, JSON.parse(out)]).toEqual([
      0,
      expect.objectContaining({ type, branch: "gitmend-approvals", webhook: expect.anything() }),
    ]);
  });

  it("says what to do where there is no forge", async () => {
    using given = givenFolder({ "gitmend.yaml": "{}\n" });
    const { code, err } = await cli(["setup", "forge"], { workingFolder: given.path });
    expect([code, err]).toEqual([2, expect.stringContaining("or say --type")]);
  });
});
