// Incidents whose remedy people have to allow, from the alert to the end and to what people read about it: the shipped templates and
// policies choose, a pull request on GitHub asks, and the simulated cluster says whether it helped.
import { createHmac } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { connectCluster } from "../../src/adapters/kubernetes/cluster-api.ts";
import { shippedLibrary } from "../../src/cli/shipped-library.ts";
import { rememberBindings } from "../../src/controller/remember-bindings.ts";
import { fold } from "../../src/domain/execution/evolve.ts";
import type {
  Node,
  PersistentVolumeClaim,
  Pod,
  RoleBinding,
  StatefulSet,
} from "../../src/simulation/objects.ts";
import { firing, type GivenController, givenController } from "../cli/given-controller.ts";
import { eventually } from "../support/eventually.ts";
import { temporaryFolder } from "../support/git.ts";
import { startGithub, type TestGithub } from "../support/github.ts";
import { type HttpService, startHttpService } from "../support/http-service.ts";

const namespace = "shop";
const secret = "secret of the webhook";
let github: TestGithub;
let pager: HttpService;
let given: GivenController;
let folder: ReturnType<typeof temporaryFolder>;
beforeAll(async () => {
  folder = temporaryFolder();
  [github, pager] = await Promise.all([startGithub(), startHttpService()]);
  const secretFile = (name: string, text: string) => {
    const file = join(folder.path, name);
    writeFileSync(file, text);
    return { file };
  };
  given = await givenController({
    role_bindings: { namespaces: [namespace], known_after: "1h" },
    live: [{ namespaces: ["*"], max_risk: "critical" }],
    notifications: {
      default: "pager",
      allow_private: true,
      channels: { pager: { url: `${pager.url}/pager` } },
    },
    approvals: {
      people: [{ id: "ana", github: ["ana-x"] }],
      forge: {
        type: "github",
        url: github.url,
        repository: github.repository,
        token: secretFile("token", github.token),
        webhook_secret: secretFile("secret", secret),
      },
    },
  });
  const own = ["ask", "scale", "slow", "broken"].map((name) => [`templates/${name}.yaml`, null] as const);
  const shipped = (await shippedLibrary()).map(({ path, text }) => [path, hurried(text)] as const);
  given.push(Object.fromEntries([...own, ["policies/tests.yaml", null], ...shipped]));
  await eventually("the shipped library is in use", () =>
    given.app.controller.catalog.current()?.templates.has("remove-taint"),
  );
});
afterAll(async () => {
  await given.stop();
  await Promise.all([github.stop(), pager.stop()]);
  folder.remove();
});
afterEach(() => given.simulation.cluster.faults.clear());

/** Nobody waits minutes for health. */
function hurried(text: string): string {
  return text
    .replaceAll(
      "action: validate_pod_health\n      parameters:\n",
      (found) => `${found}        stable_for: 1s\n`,
    )
    .replaceAll("default: 5m", "default: 8s")
    .replaceAll("cooldown: 10m", "cooldown: 1s");
}

const cluster = () => given.simulation.cluster;
const stateOf = async (id: string) => fold(await given.app.database.executions.events(id));
const endOf = (id: string) =>
  eventually(
    "it has ended",
    async () => {
      const state = await stateOf(id);
      return state.phase === "ended" ? state : null;
    },
    { seconds: 40 },
  );

/** What an alert about this target has brought about. */
const executionOf = (template: string, target: string, phase?: string) =>
  eventually(
    `${template} for ${target}`,
    async () => {
      const { rows } = await given.app.database.pool.query<{ id: string; phase: string }>(
        "select id::text, phase from executions where template = $1 and target_name = $2 order by id desc limit 1",
        [template, target],
      );
      return phase === undefined || rows[0]?.phase === phase ? rows[0]?.id : null;
    },
    { seconds: 30 },
  );

/** People are asked about it in a pull request. */
async function asked(template: string, target: string) {
  const id = await executionOf(template, target, "awaiting_approval");
  await eventually("people are asked", async () => (await stateOf(id)).approval !== null || null);
  const branch = `gitmend/${id.slice(-12)}`;
  return { id, branch, body: github.pulls(branch)[0]?.body ?? "" };
}

/** Ana approves and merges it, and GitHub says so. @returns the execution as it has ended */
async function allowed({ id, branch }: { readonly id: string; readonly branch: string }) {
  github.review(branch, "ana-x");
  github.merge(branch, "ana-x");
  const body = JSON.stringify({ action: "closed", pull_request: { head: { ref: branch } } });
  const signature = createHmac("sha256", secret).update(body).digest("hex");
  const headers = { "content-type": "application/json", "x-hub-signature-256": `sha256=${signature}` };
  const { status } = await fetch(`${given.app.url}/webhooks/github`, { method: "POST", headers, body });
  expect(status).toBe(202);
  return endOf(id);
}

/** The remedy was passed over, evidence is kept, and people were told. @returns what is shown of it, from the reason on */
async function leftToPeople(remedy: string, target: string): Promise<string> {
  const id = await executionOf("collect-evidence", target);
  expect(await endOf(id)).toMatchObject({ outcome: "succeeded" });
  const shown = (await given.run(["executions", "show", id])).out.replaceAll(/\s+/g, " ");
  expect(pager.calls.filter(({ body }) => body.includes(id))).toHaveLength(1);
  return shown.slice(shown.indexOf(`is passed over: ${remedy} does not fit: `));
}

const changes = () =>
  cluster()
    .effects.of({ manager: "gitmend" })
    .filter(({ kind }) => kind !== "Event");

describe("S6: a taint that maintenance left behind keeps a pod from its node", () => {
  const taint = { key: "maintenance", value: "scheduled", effect: "NoSchedule" };
  const node = (name: string) => cluster().get("nodes", null, name) as Node;
  const taintsOf = (name: string) => node(name).spec.taints ?? [];
  const setNode = (name: string, spec: object) =>
    void cluster().apply({ ...(node(name) as object), spec } as never);
  afterEach(() => {
    for (const name of ["node-1", "node-2", "node-3"]) setNode(name, {});
  });

  /** A Deployment whose pods may run on one node alone; its pod waits. */
  async function waiting(name: string, on = "node-1", resources: object = {}) {
    const labels = { app: name };
    cluster().apply({
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { namespace, name },
      spec: {
        replicas: 1,
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            nodeSelector: { "kubernetes.io/hostname": on },
            containers: [{ name: "app", image: "example.test/app:1.0.0", resources }],
          },
        },
      },
    } as never);
    const own = () =>
      cluster()
        .pods(namespace)
        .filter(({ metadata }) => metadata.labels?.["app"] === name);
    const unscheduled = ({ status }: Pod) =>
      status.conditions?.some(({ reason }) => reason === "Unschedulable") === true;
    await cluster().until("its pod waits", () => own().some(unscheduled), 10);
    cluster().effects.clear();
    const [pod] = own();
    await given.deliver(firing("KubePodNotScheduled", { namespace, pod: pod?.metadata.name ?? "" }, name));
    return own;
  }

  it("is taken off when people say yes, and the pod runs; the other taints stay", async () => {
    const other = { key: "other", effect: "PreferNoSchedule" };
    setNode("node-1", { taints: [other, taint] });
    const pods = await waiting("placed");
    const request = await asked("remove-taint", "placed");
    const { body } = request;
    expect(body).toContain("**May gitmend run `remove-taint` on `sim/shop/deploy/placed`?**");
    expect(body).toContain("take the taint maintenance off node node-1");
    expect(changes()).toEqual([]);
    // The write is answered with a conflict, and then its answer is lost.
    const path = /\/nodes\/node-1$/;
    cluster().faults.add({ method: "PATCH", path, fault: { kind: "status", code: 409 } });
    cluster().faults.add({ method: "PATCH", path, skip: 1, fault: { kind: "reset", when: "after" } });
    expect(await allowed(request)).toMatchObject({ outcome: "succeeded" });
    expect(taintsOf("node-1")).toEqual([other]);
    expect(pods()).toMatchObject([{ spec: { nodeName: "node-1" }, status: { phase: "Running" } }]);
    expect(changes()).toHaveLength(1);
  });

  it("is put back when the pod still finds no node", async () => {
    setNode("node-2", { taints: [taint] });
    await waiting("large", "node-2", { requests: { memory: "900Gi" } });
    const request = await asked("remove-taint", "large");
    expect(await allowed(request)).toMatchObject({ outcome: "rolled_back", escalated: true });
    expect(taintsOf("node-2")).toEqual([taint]);
  });

  it.each([
    [
      "no node has it: there is no room",
      "full",
      "no node has the taint maintenance",
      () => setNode("node-3", { unschedulable: true }),
    ],
    [
      "the node is cordoned too: the maintenance is still on",
      "cordoned",
      "node node-3 is cordoned: somebody still works on it",
      () => setNode("node-3", { unschedulable: true, taints: [taint] }),
    ],
    [
      "two nodes have it: nobody can tell which was forgotten",
      "several",
      "several nodes have the taint maintenance, so say which: node-2, node-3",
      () => ["node-3", "node-2"].forEach((name) => setNode(name, { taints: [taint] })),
    ],
    [
      "it is another taint: that node is for others",
      "dedicated",
      "no node has the taint maintenance",
      () => setNode("node-3", { taints: [{ key: "dedicated", value: "gpu", effect: "NoSchedule" }] }),
    ],
  ])("stays where %s; evidence is kept and people are told", async (_, name, why, fault) => {
    fault();
    await waiting(name, "node-3");
    expect(await leftToPeople("remove-taint", name)).toContain(why);
    expect(changes()).toEqual([]);
  });
});

describe("S8: a claim of a StatefulSet was made anew with a storage class that does not exist", () => {
  const claims = "persistentvolumeclaims";
  const claimOf = (name: string) =>
    cluster().get(claims, namespace, `data-${name}-0`) as PersistentVolumeClaim;
  const claim = (name: string, spec: object) =>
    cluster().apply({
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: { namespace, name },
      spec,
    } as never);
  const read = (name: string) => cluster().get("statefulsets", namespace, name) as StatefulSet;
  beforeAll(() => {
    cluster().apply({ apiVersion: "storage.k8s.io/v1", kind: "StorageClass", metadata: { name: "fast" } });
  });

  /** A StatefulSet with an alert about the pods that it misses. */
  async function missing(name: string, storageClassName: string, image = "example.test/db:1.0.0") {
    claim(`data-${name}-0`, { storageClassName });
    const labels = { app: name };
    cluster().apply({
      apiVersion: "apps/v1",
      kind: "StatefulSet",
      metadata: { namespace, name },
      spec: {
        serviceName: name,
        replicas: 2,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name: "db", image }] } },
        volumeClaimTemplates: [{ metadata: { name: "data" }, spec: { storageClassName: "fast" } }],
      },
    } as never);
    await cluster().until("it has its first pod", () => read(name).status.replicas === 1, 10);
    cluster().effects.clear();
    await given.deliver(firing("KubeStatefulSetReplicasMismatch", { namespace, statefulset: name }, name));
  }

  it("is made from its template when people say yes; it binds, and all pods are ready", async () => {
    await missing("db", "fsat");
    const old = claimOf("db").metadata.uid;
    const request = await asked("recreate-claim", "db");
    expect(request.body).toContain("delete claim shop/data-db-0, which never bound");
    expect(changes()).toEqual([]);
    // Its answer is lost: whether the claim is gone is looked up, and no other one is deleted.
    const path = /persistentvolumeclaims\/data-db-0/;
    cluster().faults.add({ method: "DELETE", path, fault: { kind: "status", code: 500, when: "after" } });
    expect(await allowed(request)).toMatchObject({ outcome: "succeeded" });
    expect(claimOf("db").metadata.uid).not.toBe(old);
    expect([claimOf("db").spec.storageClassName, claimOf("db").status.phase]).toEqual(["fast", "Bound"]);
    expect(read("db").status).toMatchObject({ replicas: 2, readyReplicas: 2 });
    expect(changes().map(({ verb, kind, name }) => `${verb} ${kind} ${name}`)).toEqual([
      "delete PersistentVolumeClaim data-db-0",
      "delete Pod db-0",
    ]);
  });

  it("stays when somebody has bound it while people were asked", async () => {
    await missing("late", "slow");
    const request = await asked("recreate-claim", "late");
    cluster().apply({ apiVersion: "storage.k8s.io/v1", kind: "StorageClass", metadata: { name: "slow" } });
    await cluster().until("it is bound", () => claimOf("late").status.phase === "Bound", 10);
    const bound = claimOf("late").metadata.uid;
    expect(await allowed(request)).toMatchObject({
      outcome: "outdated",
      endReason: expect.stringContaining(
        "claim shop/data-late-0 is not made anew: it is bound to volume pvc-",
      ),
    });
    expect(claimOf("late").metadata.uid).toBe(bound);
    expect(changes()).toEqual([]);
  });

  it("stays when a volume may still hold the data of the claim before", async () => {
    cluster().apply({
      apiVersion: "v1",
      kind: "PersistentVolume",
      metadata: { name: "pv-kept" },
      spec: { claimRef: { namespace, name: "data-kept-0", uid: "of-the-claim-before" } },
      status: { phase: "Released" },
    });
    await missing("kept", "fsat");
    const old = claimOf("kept").metadata.uid;
    expect(await leftToPeople("recreate-claim", "kept")).toContain(
      "no claim of statefulset shop/kept may be made anew: data-kept-0: volume pv-kept was bound to a claim of this name and may hold its data",
    );
    expect(changes()).toEqual([]);
    expect(claimOf("kept").metadata.uid).toBe(old);
  });

  it("stays when it is bound: the pods are missing for another reason", async () => {
    await missing("image", "fast", "example.test/does-not-exist:1.0.0");
    expect(await leftToPeople("recreate-claim", "image")).toContain(
      "no claim of statefulset shop/image waits to be bound",
    );
    expect(changes()).toEqual([]);
    expect(claimOf("image").status.phase).toBe("Bound");
  });
});

describe("S11: a RoleBinding was deleted, and the pods that need it do not get ready", () => {
  const rbac = "rbac.authorization.k8s.io";
  const bindingOf = (name: string) =>
    cluster().get("rolebindings", namespace, name) as RoleBinding | undefined;
  const role = (name: string, verbs: readonly string[] = ["get"]) =>
    cluster().apply({
      apiVersion: `${rbac}/v1`,
      kind: "Role",
      metadata: { namespace, name },
      rules: [{ apiGroups: [""], resources: ["configmaps"], verbs: [...verbs] }],
    });
  const bind = (name: string, subjects: readonly object[] = []) =>
    cluster().apply({
      apiVersion: `${rbac}/v1`,
      kind: "RoleBinding",
      metadata: { namespace, name },
      roleRef: { apiGroup: rbac, kind: "Role", name },
      subjects: [{ kind: "ServiceAccount", namespace, name }, ...subjects],
    } as never);

  /** What gitmend does every minute, and as if the binding had stood for so long by now. */
  async function remember(hours: number): Promise<void> {
    const connection = connectCluster({ name: "sim", kubeconfigText: given.simulation.kubeconfig });
    const api = connection.api(new AbortController().signal);
    await rememberBindings({
      bindings: given.app.database.bindings,
      bindingNamespaces: [namespace],
      clusters: { names: ["sim"], labels: () => ({}), tools: () => ({ cluster: () => api }) as never },
      log: { info: () => undefined, warn: (_, text) => expect.fail(text), error: () => undefined },
    });
    await connection.close();
    const older = "update role_bindings set since = since - $1::integer * interval '1 hour'";
    await given.app.database.pool.query(older, [hours]);
  }

  const unbind = (name: string) => cluster().remove("rolebindings", namespace, name);

  /** A Deployment whose pods ask for the role as they start, with an alert about what they are refused. */
  async function denied(name: string): Promise<void> {
    const labels = { app: name };
    const command = ["app", `needs-role ${name}`];
    cluster().apply({
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { namespace, name },
      spec: {
        replicas: 2,
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            serviceAccountName: name,
            containers: [{ name: "app", image: "example.test/app:1.0.0", command }],
          },
        },
      },
    } as never);
    await cluster().until(
      "its pods wait for their rights",
      () => cluster().deployment(namespace, name).replicas === 2,
      10,
    );
    cluster().effects.clear();
    await given.deliver(firing("RBACPolicyDenied", { namespace, deployment: name, severity: "high" }, name));
  }

  it("is put back as it stood when people say yes, and the pods get ready", async () => {
    role("reader");
    bind("reader");
    await remember(2);
    const before = bindingOf("reader");
    unbind("reader");
    await denied("reader");
    const request = await asked("restore-role-binding", "reader");
    expect(request.body).toContain(
      "put back rolebinding shop/reader as it stood: it grants Role reader to reader: get configmaps",
    );
    expect(request.body).toMatch(/\+ .*"roleRef".*"name":"reader".*"subjects"/);
    expect(changes()).toEqual([]);
    // Its answer is lost, and whoever asks again is told that it is there: it is one binding all the same.
    const path = /rolebindings(\?(?!.*dryRun)|$)/;
    cluster().faults.add({ method: "POST", path, fault: { kind: "reset", when: "after" } });
    expect(await allowed(request)).toMatchObject({ outcome: "succeeded" });
    const { roleRef, subjects } = bindingOf("reader") ?? {};
    expect({ roleRef, subjects }).toEqual({ roleRef: before?.roleRef, subjects: before?.subjects });
    expect(cluster().deployment(namespace, "reader")).toMatchObject({ healthy: true, ready: 2 });
    expect(changes().map(({ verb, kind, name }) => `${verb} ${kind} ${name}`)).toEqual([
      "create RoleBinding reader",
    ]);
  });

  it("is taken away again when it does not help", async () => {
    role("useless");
    bind("useless");
    await remember(2);
    unbind("useless");
    await denied("useless");
    cluster().breakDeployment(namespace, "useless", "image");
    const request = await asked("restore-role-binding", "useless");
    expect(await allowed(request)).toMatchObject({ outcome: "rolled_back", escalated: true });
    expect(bindingOf("useless")).toBeUndefined();
  });

  it("stays away when its role was widened while people were asked", async () => {
    role("late-role");
    bind("late-role");
    await remember(2);
    unbind("late-role");
    await denied("late-role");
    const request = await asked("restore-role-binding", "late-role");
    role("late-role", ["*"]);
    expect(await allowed(request)).toMatchObject({
      outcome: "outdated",
      endReason: expect.stringContaining("Role late-role grants other rights by now"),
    });
    expect(bindingOf("late-role")).toBeUndefined();
    expect(changes()).toEqual([]);
  });

  it.each([
    [
      "somebody planted it shortly before",
      "planted",
      "too short before it was gone",
      async () => {
        bind("planted");
        await remember(0);
      },
    ],
    [
      "somebody was added to it shortly before",
      "added",
      "too short before it was gone",
      async () => {
        bind("added");
        await remember(2);
        bind("added", [{ kind: "ServiceAccount", namespace, name: "mallory" }]);
        await remember(0);
      },
    ],
    [
      "it gave rights to a person too",
      "person",
      "gitmend remembers no RoleBinding of service account shop/person",
      async () => {
        bind("person", [{ kind: "User", name: "mallory" }]);
        await remember(2);
      },
    ],
  ])("stays away when %s; evidence is kept and people are told", async (_, name, why, fault) => {
    role(name);
    await fault();
    unbind(name);
    await denied(name);
    expect(await leftToPeople("restore-role-binding", name)).toContain(why);
    expect(changes()).toEqual([]);
    expect(bindingOf(name)).toBeUndefined();
  });

  it("stays away when the API server does not let gitmend grant it, and people are told what is missing", async () => {
    role("escalating");
    bind("escalating");
    await remember(2);
    unbind("escalating");
    const fault = { kind: "status", code: 403 } as const;
    cluster().faults.add({ method: "POST", path: /rolebindings/, times: 99, fault });
    await denied("escalating");
    expect(await leftToPeople("restore-role-binding", "escalating")).toContain(
      "its account needs the verb bind on that role",
    );
    expect(bindingOf("escalating")).toBeUndefined();
  });
});
