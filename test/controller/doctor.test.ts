import { describe, expect, it } from "vitest";
import { actions } from "../../src/actions/registry.ts";
import { type DoctorPorts, examine } from "../../src/controller/doctor.ts";
import type { AccessQuestion } from "../../src/controller/rbac-in-use.ts";
import type { Health } from "../../src/controller/views.ts";
import type { Catalog } from "../../src/domain/policies/catalog.ts";
import { compileCatalog } from "../../src/domain/policies/compile-catalog.ts";
import { Problem } from "../../src/domain/problem.ts";
import type { RunAs } from "../../src/domain/templates/scope.ts";

const now = "2026-11-17T10:00:00.000Z";
const healthy: Health = {
  active: {},
  firing: 0,
  unowned: 0,
  unpublished: 0,
  auditLagSeconds: 0,
  openBreakers: {},
  deadLetters: 0,
  watchdogAt: "2026-11-17T09:57:00.000Z",
  deliveredAt: now,
  now,
};

const template = `
name: restart
steps:
  - name: restart
    action: {type: kubernetes, action: restart_deployment}
`;
const policy = `
name: none
rules:
  - {name: restart, on: [Bad], event: {type: select-template, params: {template: restart}}}
`;

function compiled(): Catalog {
  const files = [
    { path: "templates/restart.yaml", text: template },
    { path: "policies/none.yaml", text: policy },
  ];
  const { catalog, findings } = compileCatalog(files, "main@sha1:1", actions);
  if (catalog === null) throw new Error(JSON.stringify(findings));
  return catalog;
}

function ports(changes: Partial<DoctorPorts> = {}): DoctorPorts {
  const catalog = compiled();
  return {
    views: { health: async () => healthy },
    catalog: { current: () => catalog, findings: () => ({ findings: [], problem: null }) },
    clusters: [
      { name: "prod", server: "https://prod:6443", version: async () => "v1.32.0", mayDo: async () => true },
    ],
    actions: new Map(actions.map((action) => [action.name, action])),
    live: [{ clusters: ["prod"], namespaces: ["shop"] }],
    reachables: [{ name: "audit repository", mend: "mend it", reach: async () => "can be pushed" }],
    people: { approvers: 1, channels: 1, withoutKey: [] },
    dataFolder: "/var/lib/gitmend",
    freeBytes: async () => 50 * 1024 ** 3,
    wallClock: () => now,
    ...changes,
  };
}

async function check(name: string, changes: Partial<DoctorPorts>) {
  const checks = await examine(ports(changes));
  return checks.find((one) => one.name === name);
}

const views = (changes: Partial<Health>) => ({ views: { health: async () => ({ ...healthy, ...changes }) } });

describe("gitmend doctor", () => {
  it("says nothing but ok when all is well", async () => {
    const checks = await examine(ports());
    expect(checks.filter(({ status }) => status !== "ok")).toEqual([]);
    expect(checks.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["database", "clock", "record", "alerts", "catalog", "cluster prod", "disk"]),
    );
  });

  it.each([
    ["alerts", views({ watchdogAt: null }), "warn", "no Watchdog alert has come"],
    ["alerts", views({ watchdogAt: "2026-11-17T09:00:00.000Z" }), "warn", "60 min ago"],
    ["alerts", views({ watchdogAt: "2026-11-17T02:00:00.000Z" }), "fail", "480 min ago"],
    ["record", views({ unpublished: 3, auditLagSeconds: 90 }), "warn", "3 commits"],
    ["record", views({ unpublished: 3, auditLagSeconds: 900 }), "fail", "900 s"],
    ["clock", { wallClock: () => "2026-11-17T09:59:00.000Z" }, "warn", "60.0 s"],
    ["disk", { freeBytes: async () => 500 * 1024 ** 2 }, "warn", "500 MiB free"],
    ["disk", { freeBytes: async () => 5 * 1024 ** 2 }, "fail", "5 MiB free"],
    ["approvers", { people: { approvers: 0, channels: 1, withoutKey: [] } }, "warn", "nobody may approve"],
    [
      "break-glass",
      { people: { approvers: 2, channels: 1, withoutKey: ["bo"] } },
      "warn",
      "lift anything: bo",
    ],
    ["clusters", { clusters: [] }, "warn", "no cluster"],
  ] as const)("%s: %o is %s", async (name, changes, status, said) => {
    const found = await check(name, changes);
    expect(found).toMatchObject({
      status,
      detail: expect.stringContaining(said),
      mend: expect.stringMatching(/.{10}/),
    });
  });

  it.each([
    [{ findings: [{ severity: "error" }], problem: null }, "1 errors: main@sha1:1 stays in use"],
    [{ findings: [{ severity: "warning" }], problem: "the remote is away" }, "the remote is away"],
  ])("fails for a catalog that cannot be followed: %o", async (findings, said) => {
    const current = compiled();
    const catalog = { current: () => current, findings: () => findings };
    expect(await check("catalog", { catalog })).toMatchObject({
      status: "fail",
      detail: expect.stringContaining(said),
    });
  });

  it("says of each thing that is away that it is, and of the others what they are", async () => {
    const gone = () => Promise.reject(new Problem("API_UNREACHABLE", "connection refused"));
    const checks = await examine(
      ports({
        views: { health: () => Promise.reject(new Problem("DATABASE_UNAVAILABLE", "away")) },
        clusters: [
          { name: "a", server: "https://a", version: gone, mayDo: gone },
          { name: "b", server: "https://b", version: async () => "v1", mayDo: async () => true },
        ],
        reachables: [{ name: "audit repository", mend: "mend it", reach: gone }],
      }),
    );
    const statuses = Object.fromEntries(checks.map(({ name, status }) => [name, status]));
    expect(statuses).toMatchObject({
      database: "fail",
      "cluster a": "fail",
      "cluster b": "ok",
      "audit repository": "fail",
      disk: "ok",
    });
    expect(checks.find(({ name }) => name === "audit repository")).toMatchObject({ mend: "mend it" });
  });
});

describe("the permissions that the actions in use need", () => {
  const asking = (allowed: (question: AccessQuestion) => boolean) => {
    const asked: AccessQuestion[] = [];
    const mayDo = async (question: AccessQuestion) => {
      asked.push(question);
      return allowed(question);
    };
    const clusters = [{ name: "prod", server: "https://prod", version: async () => "v1", mayDo }];
    return { asked, clusters };
  };

  it("are asked for everywhere first, then in each namespace that is live", async () => {
    const { clusters, asked } = asking(
      ({ namespace, resource }) => namespace === "shop" || resource === "nodes" || resource === "namespaces",
    );
    const found = await check("permissions in prod", { clusters });
    expect(found).toMatchObject({ status: "ok" });
    expect(asked).toContainEqual({
      verb: "patch",
      apiGroup: "apps",
      resource: "deployments",
      namespace: null,
    });
    expect(asked).toContainEqual({
      verb: "patch",
      apiGroup: "apps",
      resource: "deployments",
      namespace: "shop",
    });
  });

  it("that are missing are named, with verb, resource and namespace", async () => {
    const { clusters } = asking(({ verb }) => verb !== "patch");
    expect(await check("permissions in prod", { clusters })).toMatchObject({
      status: "fail",
      detail: "may not patch deployments.apps in shop",
    });
  });

  it("are to read only where nothing is live", async () => {
    const { clusters, asked } = asking(() => true);
    await check("permissions in prod", { clusters, live: [] });
    expect(new Set(asked.map(({ verb }) => verb))).toEqual(new Set(["get"]));
  });
});

describe("accounts that scopes act as", () => {
  const bot: RunAs = { user: "system:serviceaccount:shop:bot", groups: [] };
  const scoped = (namespaces: readonly string[], runAs: RunAs = bot) => {
    const scope = { clusters: ["*"], actions: ["*"], uses: [], maxRisk: "high" } as const;
    const files = [
      { path: "teams/shop/templates/restart.yaml", text: template },
      {
        path: "policies/none.yaml",
        text: policy
          .replace("select-template", "escalate")
          .replace("{template: restart}", "{severity: info, message: m}"),
      },
    ];
    const { catalog, findings } = compileCatalog(files, "main@sha1:1", actions, [
      { ...scope, path: ".", namespaces: ["*"], runAs: null },
      { ...scope, path: "teams/shop", namespaces, runAs },
    ]);
    if (catalog === null) throw new Error(JSON.stringify(findings));
    return catalog;
  };
  const line = ({ verb, resource, namespace, name = "*" }: AccessQuestion, runAs?: RunAs | null) =>
    `${runAs?.user ?? "gitmend"} ${verb} ${resource} ${namespace ?? "everywhere"} ${name}`;
  const asked = async (
    catalog: Catalog,
    may: (line: string) => boolean,
  ): Promise<readonly [readonly string[], readonly string[]]> => {
    const lines: string[] = [];
    const mayDo: DoctorPorts["clusters"][number]["mayDo"] = async (question, _signal, runAs) => {
      lines.push(line(question, runAs));
      return may(line(question, runAs));
    };
    const checks = await examine(
      ports({
        catalog: { current: () => catalog, findings: () => ({ findings: [], problem: null }) },
        clusters: [{ name: "prod", server: "https://prod", version: async () => "v1", mayDo }],
      }),
    );
    const found = checks.filter(({ name }) => /service account|user |imperson/.test(name));
    return [found.map(({ name, status, detail }) => `${status} ${name}: ${detail}`), lines];
  };
  const impersonates = "gitmend impersonate serviceaccounts shop bot";

  it("are fine when gitmend may act as each of them, and they may do what their folders need", async () => {
    const [found, lines] = await asked(scoped(["shop"]), (one) => !/ impersonate \S+ everywhere/.test(one));
    expect(found).toEqual([
      "ok service account shop/bot in prod: gitmend may act as it; may do what its folders need",
    ]);
    expect(lines).toContain(impersonates);
    expect(lines).not.toContain("gitmend patch deployments everywhere *");
  });

  it("that gitmend may not act as are named", async () => {
    const [found] = await asked(scoped(["shop"]), (one) => !one.includes("impersonate"));
    expect(found).toEqual([
      "fail service account shop/bot in prod: gitmend's account may not act as it: nothing of its folders can run",
    ]);
  });

  it("that lack what their folders need are told what", async () => {
    const [found] = await asked(
      scoped(["shop"]),
      (one) =>
        one === impersonates ||
        (one.startsWith("system:") && !one.includes("patch") && one.includes(" shop ")),
    );
    expect(found).toEqual(["fail service account shop/bot in prod: may not patch deployments.apps in shop"]);
  });

  it("are warned of when gitmend may act as anybody", async () => {
    const [found] = await asked(scoped(["shop-*"], { user: "shop-bot", groups: ["shop"] }), () => true);
    expect(found).toEqual([
      "ok user shop-bot (shop) in prod: gitmend may act as it; its namespaces are patterns, and were not asked about",
      "warn impersonation in prod: gitmend's account may act as any of all users, groups, serviceaccounts, not only as those of `scopes`",
    ]);
  });
});
