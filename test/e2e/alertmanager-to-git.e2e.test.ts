// The whole way on real parts: Alertmanager, PostgreSQL, Git and the Kubernetes control plane (or, without one at hand, the
// simulated cluster). A Deployment is broken, Alertmanager fires, gitmend rolls it back, the alert resolves, and after a while
// (seconds here) gitmend says whether it helped.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { watchAlerts } from "../../src/simulation/alerts.ts";
import type { ApiObject } from "../../src/simulation/objects.ts";
import { startSimulatedCluster } from "../../src/simulation/start-simulated-cluster.ts";
import { type Alertmanager, startAlertmanager } from "../support/alertmanager.ts";
import { type ControllerProcess, startControllerProcess } from "../support/controller-process.ts";
import { eventually } from "../support/eventually.ts";
import { bareRepository, git, sshKey, temporaryFolder, workCopy } from "../support/git.ts";
import {
  hasControlPlane,
  type RawAdmin,
  rawAdmin,
  startControlPlane,
} from "../support/kube-control-plane.ts";
import { startPostgres, type TestPostgres } from "../support/postgres.ts";
import { ended, policy, rollback } from "./world.ts";

const folder = temporaryFolder();
const token = "a-token-for-one-alertmanager";
let postgres: TestPostgres;
let cluster: { kubeconfigPath: string; stop(): Promise<void> };
let admin: RawAdmin;
let controller: ControllerProcess;
let alertmanager: Alertmanager;
let auditRemote: string;

beforeAll(async () => {
  [postgres, cluster] = await Promise.all([
    startPostgres(),
    hasControlPlane() ? startControlPlane() : startSimulation(),
  ]);
  admin = rawAdmin(await readFile(cluster.kubeconfigPath, "utf8"));
  const config = bareRepository(join(folder.path, "config.git"));
  workCopy(join(folder.path, "work"), config).push({
    "templates/roll-back.yaml": `${rollback}effectiveness: {delay: 6s}\n`,
    "policies/tests.yaml": policy("roll-back"),
  });
  auditRemote = bareRepository(join(folder.path, "audit-remote.git"), "audit");
  controller = await startControllerProcess({
    folder: join(folder.path, "controller"),
    environment: { ALERTMANAGER_TOKEN: token },
    config: {
      database: { url: await postgres.createDatabase() },
      clusters: [{ name: "real", kubeconfig: cluster.kubeconfigPath }],
      live: [{ clusters: ["real"], namespaces: ["e2e-*"] }],
      alertmanagers: [{ name: "main", credential: { bearer: { env: "ALERTMANAGER_TOKEN" } } }],
      config_repository: { url: config },
      audit_repository: {
        url: auditRemote,
        sign: { key: sshKey(join(folder.path, "keys"), "gitmend").privateKeyFile },
      },
    },
  });
  alertmanager = await startAlertmanager(`${controller.url}/webhooks/alertmanager/main`, token);
}, 120_000);

afterAll(async () => {
  await alertmanager?.stop();
  controller?.kill("SIGTERM");
  await controller?.exited;
  await cluster?.stop();
  await postgres?.remove();
  folder.remove();
});

async function startSimulation() {
  const simulation = await startSimulatedCluster();
  const kubeconfigPath = join(folder.path, "kubeconfig");
  const { writeFile } = await import("node:fs/promises");
  await writeFile(kubeconfigPath, simulation.kubeconfig);
  return { kubeconfigPath, stop: () => simulation.stop() };
}

const namespace = "e2e-shop";
const deployments = `/apis/apps/v1/namespaces/${namespace}/deployments`;

const deployment = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "api", namespace },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: "api" } },
    template: {
      metadata: { labels: { app: "api" } },
      spec: { containers: [{ name: "app", image: "registry.example/shop/api:1.4.2" }] },
    },
  },
};

/** The new pods crash: in the simulation because of the command, under the fake kubelet because of the annotation. */
const broken = {
  spec: {
    template: {
      metadata: { annotations: { "fake-kubelet/waiting": "CrashLoopBackOff" } },
      spec: {
        containers: [
          { name: "app", image: "registry.example/shop/api:1.5.0", command: ["sh", "-c", "exit 1"] },
        ],
      },
    },
  },
};

async function read(path: string): Promise<ApiObject[]> {
  return ((await admin("GET", path)).body as { items: ApiObject[] }).items;
}

async function healthy(): Promise<boolean> {
  const { status, metadata } = (await admin("GET", `${deployments}/api`)).body as {
    status: {
      readyReplicas?: number;
      updatedReplicas?: number;
      replicas?: number;
      observedGeneration?: number;
    };
    metadata: { generation: number };
  };
  return (
    status.readyReplicas === 2 &&
    status.updatedReplicas === 2 &&
    status.replicas === 2 &&
    status.observedGeneration === metadata.generation
  );
}

/** What Prometheus does: evaluates the rules over what the cluster shows, tells Alertmanager what fires and what ended. */
async function evaluateRules(signal: AbortSignal): Promise<void> {
  let seen: Record<"pods" | "deployments", ApiObject[]> = { pods: [], deployments: [] };
  const watch = watchAlerts({ list: (plural) => seen[plural], now: () => Date.now() });
  while (!signal.aborted) {
    seen = { pods: await read(`/api/v1/namespaces/${namespace}/pods`), deployments: await read(deployments) };
    const changed = watch.poll().flatMap(({ alerts }) => alerts);
    const sent = [...watch.firing(), ...changed.filter(({ status }) => status === "resolved")];
    await alertmanager.send(
      sent.map(({ labels, annotations, startsAt, endsAt, status }) => ({
        labels,
        annotations,
        startsAt,
        ...(status === "resolved" ? { endsAt } : {}),
      })),
    );
    await delay(300);
  }
}

describe("from a broken Deployment to git log", () => {
  it("rolls it back, and everything tells the same story", async () => {
    await admin("POST", "/api/v1/namespaces", {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: namespace },
    });
    expect((await admin("POST", deployments, deployment)).code).toBe(201);
    await eventually("the workload is healthy", healthy, { seconds: 60 });
    expect(
      (await admin("PATCH", `${deployments}/api`, broken, "application/strategic-merge-patch+json")).code,
    ).toBe(200);
    const stop = new AbortController();
    const rules = evaluateRules(stop.signal);

    const execution = await ended(controller, 90);
    expect(execution.outcome).toBe("succeeded");
    expect(await healthy()).toBe(true);
    await eventually("the alert resolved", async () => (await alertmanager.firing()).length === 0);
    stop.abort();
    await rules;

    const shown = await controller.cli("executions", "show", execution.id);
    expect(shown.stdout).toContain("KubePodCrashLooping");
    expect(shown.stdout).toContain("roll-back");
    expect(shown.stdout).toMatch(/succeeded/);
    const log = await eventually("the record was pushed", () => {
      const text = git(auditRemote, ["log", "--reverse", "--format=%s%n%b", "audit"]);
      return text.includes("Outcome: succeeded") && text;
    });
    expect(log).toMatch(/^plan\(real\/e2e-shop\/deploy\/api\): roll-back/m);
    expect(log).toMatch(/^remediate\(real\/e2e-shop\/deploy\/api\): roll-back succeeded/m);
    expect(log).toContain(`Execution-Id: ${execution.id}`);
    const verdict = /^assess\(real\/e2e-shop\/deploy\/api\): roll-back effective/m;
    await eventually(
      "the assessment was pushed",
      () => verdict.test(git(auditRemote, ["log", "--format=%s", "audit"])),
      { seconds: 60 },
    );
    expect((await controller.cli("executions", "show", execution.id)).stdout).toMatch(/HELPED +effective/);
    const events = (await read(`/api/v1/namespaces/${namespace}/events`)) as (ApiObject & {
      reason: string;
    })[];
    expect(events.map(({ reason }) => reason)).toEqual(
      expect.arrayContaining(["RemediationStarted", "RemediationSucceeded"]),
    );
  });
});
