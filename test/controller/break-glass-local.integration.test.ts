// Breaking the glass where nothing but bare Git is there, with a key that only an agent has: a real controller, ssh-agent, ssh-keygen.
import { execFileSync, spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fold } from "../../src/domain/execution/evolve.ts";
import { firing, type GivenController, givenController } from "../cli/given-controller.ts";
import { eventually } from "../support/eventually.ts";
import { git, type SshKey, sshKey, temporaryFolder } from "../support/git.ts";

let given: GivenController;
let folder: ReturnType<typeof temporaryFolder>;
let agent: ReturnType<typeof spawn>;
const keys: Record<string, SshKey> = {};
const before = process.env["SSH_AUTH_SOCK"];

beforeAll(async () => {
  folder = temporaryFolder();
  for (const name of ["ana", "bo"]) keys[name] = sshKey(folder.path, name);
  const socket = join(folder.path, "agent");
  agent = spawn("ssh-agent", ["-D", "-a", socket], { stdio: "ignore" });
  const environment = { ...process.env, SSH_AUTH_SOCK: socket };
  const add = () =>
    execFileSync("ssh-add", ["-q", keys["ana"]!.privateKeyFile], { env: environment, stdio: "ignore" });
  await eventually("the agent has the key", () => {
    add();
    return true;
  });
  process.env["SSH_AUTH_SOCK"] = socket;
  rmSync(keys["ana"]!.privateKeyFile);
  given = await givenController({
    approvals: {
      people: [
        { id: "ana", signer: keys["ana"]!.publicKey },
        { id: "bo", signer: keys["bo"]!.publicKey },
      ],
      emergency: ["ana"],
    },
  });
});
afterAll(async () => {
  if (before === undefined) delete process.env["SSH_AUTH_SOCK"];
  else process.env["SSH_AUTH_SOCK"] = before;
  agent.kill();
  await given.stop();
  folder.remove();
});

const stateOf = async (id: string) => fold(await given.app.database.executions.events(id));

describe("a plan that waits for a branch of bare Git", () => {
  it("runs by a key of an agent, and its branch is closed and no rejection", async () => {
    const { cluster } = given.simulation;
    const pod =
      cluster
        .pods("shop")
        .map(({ metadata }) => metadata.name ?? "")
        .find((one) => one.startsWith("api-")) ?? "";
    await given.deliver(firing("Busy", { namespace: "shop", pod }, "one"));
    const id = await given.execution("ask", ({ phase }) => phase === "awaiting_approval");
    const { repository, branch, head } = await eventually(
      "people are asked",
      async () => (await stateOf(id)).approval,
    );
    expect(git(repository, ["rev-parse", branch]).trim()).toBe(head);

    const lift = ["approve", id, "--break-glass", "--reason", "nobody answers", "--key"];
    const run = await given.run([...lift, `${keys["ana"]!.privateKeyFile}.pub`]);
    expect([run.code, run.out]).toEqual([0, expect.stringContaining("approvals lifted by ana")]);
    const state = await eventually("it has ended", async () => {
      const now = await stateOf(id);
      return now.phase === "ended" ? now : null;
    });
    expect([state.outcome, cluster.deployment("shop", "api").wanted]).toEqual(["succeeded", 3]);

    const references = git(repository, ["for-each-ref", "--format=%(refname) %(objectname)"]);
    expect(references).toContain(`refs/gitmend/closed/resolved/${branch} ${head}`);
    expect(references).not.toContain(`refs/heads/${branch}`);
    expect(git(repository, ["log", "--format=%s", "gitmend-approvals"])).not.toContain(branch);
    const late = await given.run(["approve", id, "--as", "bo", "--key", keys["bo"]!.privateKeyFile]);
    expect(late.code).not.toBe(0);
    const again = await given.run([...lift, `${keys["ana"]!.privateKeyFile}.pub`]);
    expect([again.code, again.err]).toEqual([1, expect.stringContaining("no break-glass here")]);
    const shown = await given.run(["executions", "show", id]);
    expect(shown.out).toContain("break-glass by ana: nobody answers");
  });
});
