// gitmend.yaml and its environment variables: one table, all findings at once, no secret in the file.
import { describe, expect, it } from "vitest";
import { configVariables } from "../../src/config/config-variables.ts";
import { floorRules, readConfig, resolveSecret, scopesOf } from "../../src/config/read-config.ts";

function lines(text: string, environment = {}): readonly string[] {
  const { config, findings } = readConfig(text, "gitmend.yaml", environment);
  if (findings.some(({ severity }) => severity === "error")) expect(config).toBeNull();
  return findings.map(
    ({ file, line, column, code, message }) => `${file}:${line}:${column} ${code} ${message}`,
  );
}

describe("no configuration at all", () => {
  it("is a configuration of defaults that changes nothing anywhere", () => {
    const { config, findings } = readConfig("", "gitmend.yaml", {});
    expect(findings).toEqual([]);
    expect(config).toMatchObject({
      live: [],
      clusters: [],
      server: { listen: "127.0.0.1:8080" },
      data_dir: ".gitmend",
      config_repository: { branch: "main", path: ".", interval: "30s" },
      audit_repository: { branch: "audit" },
      protected: { namespaces: ["kube-system", "kube-public", "kube-node-lease"] },
      limits: { body: "16Mi", stale_after: "12h" },
    });
  });

  it("gets defaults inside lists too", () => {
    const { config } = readConfig("live: [{namespaces: [shop]}]\nclusters: [{name: a}]", "gitmend.yaml", {});
    expect(config?.live).toEqual([{ clusters: ["*"], namespaces: ["shop"], max_risk: "medium" }]);
    expect(config?.clusters).toEqual([{ name: "a", labels: {}, in_cluster: false }]);
  });
});

describe("a floor", () => {
  const rule = (when: string) =>
    `floor: [{name: g, when: "${when}", event: {type: deny, params: {reason: no}}}]`;

  it("becomes guards", () => {
    const { config } = readConfig(rule("plan.risk == 'high'"), "gitmend.yaml", {});
    expect(config === null ? [] : floorRules(config).map(({ name }) => name)).toEqual(["floor/g"]);
  });

  it("with an error is refused where it stands", () => {
    expect(lines(rule("plan.rsk == 'high'"))).toEqual([
      'gitmend.yaml:1:31 EXPRESSION plan has no "rsk"; did you mean "risk"?',
    ]);
  });

  it("with a doubtful rule is used", () => {
    const { config, findings } = readConfig(rule("alert.namespace == 'shop'"), "gitmend.yaml", {});
    expect(findings.map(({ severity, code }) => [severity, code])).toEqual([
      ["warning", "GUARD_READS_ALERT"],
    ]);
    expect(config === null ? [] : floorRules(config)).toHaveLength(1);
  });
});

describe("environment variables", () => {
  it("win over the file", () => {
    const { config } = readConfig("server: {listen: '127.0.0.1:1'}\ndata_dir: a", "gitmend.yaml", {
      GITMEND_SERVER_LISTEN: "127.0.0.1:0",
      GITMEND_DATABASE_URL: "postgresql://u:p@127.0.0.1/db",
      GITMEND_PROTECTED_NAMESPACES: "[kube-system, vault]",
      GITMEND_DATA_DIR: "",
    });
    expect(config).toMatchObject({
      server: { listen: "127.0.0.1:0" },
      database: { url: "postgresql://u:p@127.0.0.1/db" },
      protected: { namespaces: ["kube-system", "vault"] },
      data_dir: "a",
    });
  });

  it("that hold a secret become a reference to themselves, so that no secret stands in the configuration", () => {
    const { config } = readConfig("", "gitmend.yaml", { GITMEND_SERVER_TOKEN: "geheim" });
    expect(config?.server.token).toEqual({ env: "GITMEND_SERVER_TOKEN" });
    expect(JSON.stringify(config)).not.toContain("geheim");
  });

  it("exist for every key of the schema", () => {
    const names = configVariables().map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const name of [
      "GITMEND_LIVE",
      "GITMEND_DATABASE_PASSWORD",
      "GITMEND_AUDIT_REPOSITORY_SIGN_KEY",
      "GITMEND_LIMITS_BODY",
    ]) {
      expect(names).toContain(name);
    }
  });

  it("are named where they are wrong, and guessed when they are misspelt", () => {
    expect(
      lines("", {
        GITMEND_LIVE: "[{max_risk: hihg}]",
        GITMEND_LIMITS_STALE_AFTER: "soon",
        GITMEND_DATABSE_URL: "x",
        GITMEND_SERVER: "http://x",
      }),
    ).toEqual([
      'GITMEND_DATABSE_URL:1:1 UNKNOWN_VARIABLE unknown variable; did you mean "GITMEND_DATABASE_URL"?',
      'GITMEND_LIVE:1:1 WRONG_VALUE "hihg" is not one of low, medium, high, critical; did you mean "high"?',
      'GITMEND_LIMITS_STALE_AFTER:1:1 WRONG_VALUE "soon" must look like "12h"',
    ]);
  });
});

describe("a configuration that cannot be right", () => {
  it("is answered with everything that is wrong in it", () => {
    const text = `server: {listen: "0.0.0.0:80"}
database: {url: "postgresql://u:p@db/d"}
clusters: [{name: prod, in_cluster: true, context: x}, {name: prod}]
alertmanagers: [{name: x, clusters: [prd]}]
approvals: {teams: {sre: [ana]}, people: [{id: anna}]}
notifications: {default: srr, channels: {sre: {url: "https://chat.example.org/x"}}}
audit_repository: {url: "https://bot:token@git.example.org/audit.git"}
`;
    expect(lines(text).map((line) => line.replace("gitmend.yaml:", ""))).toEqual([
      '3:63 DUPLICATE_NAME "prod" stands here twice',
      '4:38 UNKNOWN_NAME there is no cluster "prd"; did you mean "prod"?',
      '5:27 UNKNOWN_NAME there is no person "ana"; did you mean "anna"?',
      '6:26 UNKNOWN_NAME there is no channel "srr"; did you mean "sre"?',
      "2:17 SECRET_IN_FILE a password does not belong into this file: refer to it by env or file",
      "7:25 SECRET_IN_FILE a password does not belong into this file: refer to it by env or file",
      '1:18 NO_CREDENTIAL "0.0.0.0:80" is not loopback only: server.token is needed',
      '4:17 NO_CREDENTIAL "0.0.0.0:80" is not loopback only: alertmanager "x" needs a credential',
      "3:12 WRONG_VALUE in_cluster uses the pod's own account: it takes no kubeconfig and no context",
    ]);
  });

  it("is refused when a Prometheus is said to have the metrics of a cluster that there is not", () => {
    expect(lines("prometheus: [{url: 'http://p:9090', clusters: [prod]}]")).toEqual([
      'gitmend.yaml:1:48 UNKNOWN_NAME there is no cluster "prod"',
    ]);
  });

  it.each([
    ["http://awx.internal", "must look like"],
    ["https://awx.example.org?x=1", "must look like"],
    ["http://127.0.0.1.evil.example", "must look like"],
  ])("is refused when steps may call %s, which is neither https nor loopback", (url, why) => {
    expect(lines(`http: {endpoints: {awx: {url: '${url}'}}}`).join()).toContain(why);
  });

  it("is refused when an endpoint has two credentials", () => {
    const both = "credential: {bearer: {env: A}}, header: {name: X-Key, value: {env: B}}";
    expect(lines(`http: {endpoints: {awx: {url: 'http://127.0.0.1:8052', ${both}}}}`)).toEqual([
      expect.stringMatching(/^gitmend.yaml:1:\d+ WRONG_VALUE stands instead of `credential`/),
    ]);
  });

  it("is refused when a secret is written down", () => {
    expect(lines("server: {token: geheim}")).toEqual([
      'gitmend.yaml:1:17 WRONG_TYPE must be a map, not string "geheim"',
    ]);
    expect(lines("server: {token: {env: A, file: /b}}")).toEqual([
      "gitmend.yaml:1:17 WRONG_VALUE needs exactly one of env, file",
    ]);
  });

  it("is refused for a key that nobody knows", () => {
    expect(lines("sever: {}")).toEqual([
      'gitmend.yaml:1:1 UNKNOWN_KEY unknown key "sever"; did you mean "server"?',
    ]);
  });
});

describe("listening", () => {
  it.each(["127.0.0.1:0", "localhost:8080", "[::1]:8080"])("on %s needs no token", (listen) => {
    expect(lines(`server: {listen: "${listen}"}`)).toEqual([]);
  });

  it.each([":8080", "10.0.0.1:8080", "[::]:8080", "127.0.0.1.example.org:80"])("on %s does", (listen) => {
    expect(lines(`server: {listen: "${listen}"}`)).toHaveLength(1);
    expect(lines(`server: {listen: "${listen}", token: {env: T}}`)).toEqual([]);
  });
});

describe("a reference to a secret", () => {
  const files = (path: string) => {
    if (path === "/run/token") return "geheim\n";
    if (path === "/run/empty") return "\n";
    throw new Error("ENOENT");
  };

  it("is followed to a variable or a file, without the newline at its end", () => {
    expect(resolveSecret({ env: "A" }, { A: "geheim\n" })).toBe("geheim");
    expect(resolveSecret({ file: "/run/token" }, {}, files)).toBe("geheim");
  });

  it.each([
    [{ env: "A" }, {}],
    [{ env: "A" }, { A: "" }],
    [{ file: "/nope" }, {}],
    [{ file: "/run/empty" }, {}],
  ])("that leads nowhere is refused: %j", (reference, environment) => {
    expect(() => resolveSecret(reference, environment, files)).toThrow(
      expect.objectContaining({ code: "CONFIG_INVALID" }),
    );
  });
});

describe("scopes", () => {
  const scope = (parts: string) => `scopes: [{namespaces: [shop], ${parts}}]`;

  it("bound as little as possible, unless more is written", () => {
    const { config } = readConfig(scope("path: teams/shop"), "gitmend.yaml", {});
    expect(config === null ? [] : scopesOf(config)).toEqual([
      {
        path: "teams/shop",
        namespaces: ["shop"],
        clusters: ["*"],
        actions: ["*"],
        uses: [],
        maxRisk: "medium",
        runAs: null,
      },
    ]);
  });

  it("act as a service account or as a user", () => {
    const as = (parts: string) => readConfig(scope(`path: a, run_as: {${parts}}`), "gitmend.yaml", {}).config;
    const users = [as("service_account: shop/bot"), as("user: shop-bot, groups: [shop]")];
    expect(users.map((config) => (config === null ? null : scopesOf(config)[0]?.runAs))).toEqual([
      { user: "system:serviceaccount:shop:bot", groups: [] },
      { user: "shop-bot", groups: ["shop"] },
    ]);
    expect(lines(scope("path: a, run_as: {}"))).toEqual([
      "gitmend.yaml:1:48 WRONG_VALUE needs exactly one of service_account and user",
    ]);
    expect(lines(scope("path: a, run_as: {user: bot, groups: ['system:masters']}"))[0]).toContain(
      "system:masters may do everything: that bounds nothing",
    );
    expect(lines(scope('path: a, run_as: {user: "a\\r\\nImpersonate-Group: system:masters"}'))).toHaveLength(
      1,
    );
  });

  it.each([
    "teams/",
    "/teams",
    "./teams",
    "teams/../a",
    "",
    "teams//a",
    "cafe\u0301",
    "te\u200bams",
    "teams/*",
  ])("have a path that names one folder in one way: not %j", (path) => {
    expect(lines(scope(`path: ${JSON.stringify(path)}`))[0]).toContain("WRONG_VALUE");
  });

  it("name a folder once, and clusters that are there", () => {
    const twice = "scopes: [{path: a, namespaces: []}, {path: a, namespaces: ['*']}]";
    expect(lines(twice)).toEqual(['gitmend.yaml:1:44 DUPLICATE_NAME "a" stands here twice']);
    expect(lines(`clusters: [{name: prod}]\n${scope("path: a, clusters: [prd]")}`)).toEqual([
      'gitmend.yaml:2:51 UNKNOWN_NAME there is no cluster "prd"; did you mean "prod"?',
    ]);
  });

  it("forget no namespaces", () => {
    expect(lines("scopes: [{path: a}]")).toEqual(['gitmend.yaml:1:10 MISSING_KEY "namespaces" is missing']);
  });
});
