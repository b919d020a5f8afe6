// Attacks on a gate, each with plain Git as whoever may push to the approvals repository would make them, and what may change between
// the question and the answer. Whatever is tried: nothing runs that nobody approved, and the reason is on record.
import { randomUUID } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { approvalLine } from "../../src/domain/gate/approval-file.ts";
import type { ControllerProcess } from "../support/controller-process.ts";
import { eventually } from "../support/eventually.ts";
import { git, type SshKey, sshKey } from "../support/git.ts";
import {
  type AlertPayload,
  deliver,
  deployHealthy,
  editDeployment,
  endedIn,
  eventsOf,
  executionsIn,
  firing,
  resolved,
} from "./firings.ts";
import { openShippedSite, startWorld, type World } from "./world.ts";

const catalog = {
  "templates/scale.yaml": `
name: scale
configuration: {cooldown: 1s}
steps:
  - name: look
    action: {type: kubernetes, action: get_pod_status}
  - name: scale
    action: {type: kubernetes, action: scale_deployment, parameters: {replicas: {add: 2}}}
`,
  "policies/tests.yaml": `
name: tests
rules:
  - name: more
    on: [Busy]
    event: {type: select-template, params: {template: scale}}
  - name: production-asks-people
    when: "cluster.labels.env == 'prod'"
    event: {type: require-approval, params: {from: ["team:sre"], approvals: 1, expires: 30m}}
`,
};
const attacks = ["unsigned", "stranger", "not-in-team", "older-head", "edited", "unapproved", "bot"];
const changesBetween = ["scaled", "recreated", "unrelated", "while-reading"];
const others = ["deleted", "rejected", "resolved", "cancelled"];
const namespaces = [...attacks, ...changesBetween, ...others];

let world: World;
let controller: ControllerProcess;
let keys: Readonly<Record<"ana" | "ben" | "mallory", SshKey>>;
beforeAll(async () => {
  world = await startWorld(namespaces);
  const key = (name: string) => sshKey(join(world.folder, "keys"), name);
  keys = { ana: key("ana"), ben: key("ben"), mallory: key("mallory") };
  const people = [
    { id: "ana", signer: keys.ana.publicKey },
    { id: "ben", signer: keys.ben.publicKey },
  ];
  const kubeconfig = join(world.folder, "kubeconfig");
  const site = await openShippedSite(world, "gate", catalog, namespaces, {
    approvals: { people, teams: { sre: ["ana"] } },
    clusters: [{ name: "sim", kubeconfig, labels: { env: "prod" } }],
  });
  controller = await site.start();
});
afterAll(async () => {
  controller?.kill("SIGKILL");
  await controller?.exited;
  await world.stop();
});

const wanted = (namespace: string) => world.simulation.cluster.deployment(namespace, "api").wanted;
const changes = (namespace: string) =>
  world.simulation.cluster.effects.count({ manager: "gitmend", namespace });

interface Asked {
  readonly alert: AlertPayload;
  readonly id: string;
  readonly repository: string;
  readonly branch: string;
  readonly base: string;
  readonly file: string;
  readonly head: string;
}

/** An alert whose plan now waits for people. */
async function ask(namespace: string): Promise<Asked> {
  const [pod = ""] = await deployHealthy(world, namespace);
  const alert = firing("Busy", namespace, pod);
  await deliver(controller, alert);
  const id = await eventually("the execution waits", async () => {
    const [found] = await executionsIn(controller, namespace);
    return found?.phase === "awaiting_approval" ? found.id : null;
  });
  const asked = await eventually("the request is open", async () => {
    const view = (await controller.get(`/api/v1/executions/${id}/approval`)) as Partial<Asked>;
    return view.head === undefined ? null : (view as Asked);
  });
  return { ...asked, id, alert };
}

/** Changes the approval file on the branch in one commit, signed or not, and pushes it. */
function commit(asked: Asked, edit: (content: string) => string, key: SshKey | null, author = "ana"): string {
  const folder = join(world.folder, `clone-${randomUUID()}`);
  git(world.folder, ["clone", "--quiet", "--branch", asked.branch, asked.repository, folder]);
  const path = join(folder, asked.file);
  writeFileSync(path, edit(readFileSync(path, "utf8")));
  const signing = key === null ? [] : ["-c", "gpg.format=ssh", "-c", `user.signingkey=${key.privateKeyFile}`];
  const sign = key === null ? [] : ["--gpg-sign"];
  git(folder, [
    ...signing,
    "commit",
    "--quiet",
    "--all",
    ...sign,
    `--author=${author} <${author}@x>`,
    "-m",
    "Approve",
  ]);
  git(folder, ["push", "--quiet", "origin", `HEAD:${asked.branch}`]);
  return folder;
}

function merge(asked: Asked): void {
  const folder = join(world.folder, `clone-${randomUUID()}`);
  git(world.folder, ["clone", "--quiet", "--branch", asked.base, asked.repository, folder]);
  git(folder, ["merge", "--quiet", "--no-ff", "-m", "Merge", `origin/${asked.branch}`]);
  // Others merge at the same time: theirs may be first.
  for (let tries = 0; ; tries += 1) {
    try {
      git(folder, ["push", "--quiet", "origin", `HEAD:${asked.base}`]);
      return;
    } catch (error) {
      if (tries === 10) throw error;
      git(folder, ["pull", "--quiet", "--no-rebase", "--no-edit", "origin", asked.base]);
    }
  }
}

/** The tip of the branch that gitmend has closed. */
const closedAs = (reason: string, { repository, branch }: Asked) =>
  eventually(
    `the branch is closed as ${reason}`,
    () =>
      git(repository, [
        "for-each-ref",
        "--format=%(objectname)",
        `refs/gitmend/closed/${reason}/${branch}`,
      ]) || null,
  );

const line = ({ head }: Asked, by = "ana") => approvalLine({ by, at: new Date().toISOString(), head });

async function expectRefused(namespace: string, reason: RegExp): Promise<void> {
  const execution = await endedIn(controller, namespace);
  expect(execution).toMatchObject({ outcome: "refused" });
  const denied = (await eventsOf(controller, execution)).find(({ type }) => type === "ApprovalDenied");
  expect((denied as { reason?: string } | undefined)?.reason).toMatch(reason);
  expect([wanted(namespace), changes(namespace)]).toEqual([2, 0]);
  expect((await controller.cli("executions", "show", execution.id)).stdout).toContain("refused");
}

describe("an approval that does not count, merged all the same", () => {
  it.concurrent.each<[string, RegExp, (asked: Asked) => void]>([
    ["unsigned", /it is not signed/, (asked) => void commit(asked, (text) => text + line(asked), null)],
    [
      "stranger",
      /its signature is not one of ana|mallory signed it/,
      (asked) => void commit(asked, (text) => text + line(asked), keys.mallory),
    ],
    [
      "not-in-team",
      /merged too early: 1 more of team:sre/,
      (asked) => void commit(asked, (text) => text + line(asked, "ben"), keys.ben, "ben"),
    ],
    [
      "older-head",
      /it approves 0000000/,
      (asked) => void commit(asked, (text) => text + line({ ...asked, head: "0".repeat(40) }), keys.ana),
    ],
    [
      "edited",
      /changes what was there: the branch is no longer what gitmend wrote/,
      (asked) =>
        void commit(asked, (text) => text.replace("replicas: 4", "replicas: 40") + line(asked), keys.ana),
    ],
    ["unapproved", /merged without an approval that counts/, () => undefined],
    [
      "bot",
      /gitmend cannot approve its own plan/,
      (asked) => void commit(asked, (text) => text + line(asked, "gitmend"), keys.mallory, "gitmend"),
    ],
  ])("%s: nothing runs", async (namespace, reason, attack) => {
    const asked = await ask(namespace);
    attack(asked);
    merge(asked);
    await expectRefused(namespace, reason);
  });
});

describe("a person's answer", () => {
  it.concurrent("is no when they delete the branch", async () => {
    const asked = await ask("deleted");
    git(asked.repository, ["update-ref", "-d", `refs/heads/${asked.branch}`]);
    expect(await endedIn(controller, "deleted")).toMatchObject({ outcome: "rejected" });
    expect(changes("deleted")).toBe(0);
  });

  it.concurrent("is taken once: a plan that was rejected is neither approved nor asked about again", async () => {
    const asked = await ask("rejected");
    const sign = ["--key", keys.ana.privateKeyFile, "--as", "ana"];
    expect(await controller.cli("reject", asked.id, ...sign, "--reason", "not now")).toMatchObject({
      code: 0,
    });
    expect(await endedIn(controller, "rejected")).toMatchObject({ outcome: "rejected" });
    const late = await controller.cli("approve", asked.id, ...sign);
    expect(late.code).not.toBe(0);
    // The alert goes on firing, and the template's cool-down is one second.
    await eventually("it is decided anew", () => controller.log().includes("people have rejected scale"));
    expect(await executionsIn(controller, "rejected")).toHaveLength(1);
    expect(changes("rejected")).toBe(0);
  });
});

describe("a request whose alert resolves", () => {
  it.concurrent("is closed with that reason, and approving it is too late", async () => {
    const asked = await ask("resolved");
    await deliver(controller, resolved(asked.alert));
    expect(await endedIn(controller, "resolved")).toMatchObject({ outcome: "cancelled" });
    await closedAs("resolved", asked);
    const late = await controller.cli("approve", asked.id, "--key", keys.ana.privateKeyFile, "--as", "ana");
    expect(late.code).not.toBe(0);
    expect(changes("resolved")).toBe(0);
  });
});

describe("a request whose execution is cancelled", () => {
  it.concurrent("is closed, and a merge after that runs nothing", async () => {
    const asked = await ask("cancelled");
    commit(asked, (text) => text + line(asked), keys.ana);
    const answer = await controller.cli("executions", "cancel", asked.id, "--reason", "we do it by hand");
    expect(answer.code).toBe(0);
    const tip = await closedAs("cancelled", asked);
    git(asked.repository, ["update-ref", `refs/heads/${asked.branch}`, tip]);
    merge(asked);
    // The alert goes on firing, so that after the cool-down another execution may wait by now.
    const executions = await executionsIn(controller, "cancelled");
    expect(executions.find(({ id }) => id === asked.id)).toMatchObject({ outcome: "cancelled" });
    expect([wanted("cancelled"), changes("cancelled")]).toEqual([2, 0]);
  });
});

describe("what an approved plan meets", () => {
  /** Once more while others merge faster. */
  const approve = (asked: Asked) =>
    eventually("the approval is merged", async () => {
      const sign = ["--key", keys.ana.privateKeyFile, "--as", "ana"];
      const { code, stderr } = await controller.cli("approve", asked.id, ...sign);
      if (code !== 0) throw new Error(stderr);
      return true;
    });

  it.concurrent("a field that is not as the diff showed it: outdated", async () => {
    const asked = await ask("scaled");
    editDeployment(world, "scaled", (spec) => (spec["replicas"] = 3));
    await approve(asked);
    expect(await endedIn(controller, "scaled")).toMatchObject({ outcome: "outdated" });
    expect([wanted("scaled"), changes("scaled")]).toEqual([3, 0]);
  });

  it.concurrent("another object of the same name: outdated", async () => {
    const asked = await ask("recreated");
    const { kubeconfig } = world.simulation;
    const token = /"?token"?: "?([^\s"]+)/.exec(kubeconfig)?.[1];
    const server = /"?server"?: "?([^\s"]+)/.exec(kubeconfig)?.[1];
    const gone = await fetch(`${server}/apis/apps/v1/namespaces/recreated/deployments/api`, {
      method: "DELETE",
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    });
    expect(gone.status).toBe(200);
    await eventually(
      "it is gone",
      () => world.simulation.cluster.get("deployments", "recreated", "api") === undefined,
    );
    await deployHealthy(world, "recreated");
    await approve(asked);
    expect(await endedIn(controller, "recreated")).toMatchObject({ outcome: "outdated" });
    expect([wanted("recreated"), changes("recreated")]).toEqual([2, 0]);
  });

  it.concurrent("another field that somebody changed: it runs", async () => {
    const asked = await ask("unrelated");
    editDeployment(world, "unrelated", (spec) => (spec["minReadySeconds"] = 1));
    await approve(asked);
    expect(await endedIn(controller, "unrelated")).toMatchObject({ outcome: "succeeded" });
    expect([wanted("unrelated"), changes("unrelated")]).toEqual([4, 1]);
  });

  it.concurrent("a field that is changed while the steps before it still read: nothing is written", async () => {
    const namespace = "while-reading";
    const asked = await ask(namespace);
    const read = world.simulation.cluster.faults.add({
      method: "GET",
      path: new RegExp(`${namespace}/pods/`),
      fault: { kind: "hang" },
    });
    await approve(asked);
    await read.reached;
    editDeployment(world, namespace, (spec) => (spec["replicas"] = 3));
    read.release();
    const execution = await endedIn(controller, namespace);
    expect(execution).toMatchObject({ outcome: "failed", escalated: true });
    expect([wanted(namespace), changes(namespace)]).toEqual([3, 0]);
  });
});
