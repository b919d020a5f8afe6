// A whole controller in this process (real PostgreSQL, real Git, the simulated cluster) and the command line against it.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type App, startApp } from "../../src/app.ts";
import { readConfig } from "../../src/config/read-config.ts";
import type { Log } from "../../src/controller/ports.ts";
import {
  type RunningSimulation,
  startSimulatedCluster,
} from "../../src/simulation/start-simulated-cluster.ts";
import { eventually } from "../support/eventually.ts";
import { bareRepository, temporaryFolder, workCopy } from "../support/git.ts";
import { startPostgres } from "../support/postgres.ts";
import { type CliRun, type CliSettings, cli } from "./given-cli.ts";

/** Started by hand and by alerts; `slow` runs until it is cancelled. */
const catalog = {
  "templates/scale.yaml": `
name: scale
manual: true
risk: medium
parameters: {replicas: {type: integer, minimum: 1, maximum: 9, default: 3}}
configuration: {cooldown: 1h}
steps:
  - name: look
    action: {type: kubernetes, action: get_pod_status}
  - name: scale
    action: {type: kubernetes, action: scale_deployment, parameters: {replicas: "{{ params.replicas }}"}}
`,
  "templates/ask.yaml": `
name: ask
manual: true
parameters: {more: {type: integer, minimum: 1, maximum: 9, default: 1}}
configuration: {cooldown: 1s}
steps:
  - name: scale
    approval: required
    action: {type: kubernetes, action: scale_deployment, parameters: {replicas: {add: "{{ params.more }}"}}}
`,
  "templates/slow.yaml": `
name: slow
manual: true
configuration: {cooldown: 1s}
steps:
  - name: wait
    action: {type: monitoring, action: validate_pod_health, parameters: {wait_timeout: 10m, stable_for: 9m}}
`,
  "templates/broken.yaml": `
name: broken
configuration: {cooldown: 1h}
steps:
  - name: scale
    action: {type: kubernetes, action: scale_deployment, parameters: {replicas: {add: 1}}}
  - name: prove
    action: {type: kubernetes, action: get_pod_status}
    postconditions: ["output.exists == false"]
    retry: {attempts: 1}
`,
  "policies/tests.yaml": `
name: tests
rules:
  - name: busy
    on: [Busy]
    event: {type: select-template, params: {template: ask}}
  - name: bad
    on: [Bad]
    event: {type: select-template, params: {template: broken}}
  - name: never-in-frozen
    when: "plan.namespaces.exists(n, n == 'frozen')"
    event: {type: deny, params: {reason: "the namespace is frozen"}}
`,
};

const namespaces = ["shop", "till", "spare", "frozen", "quiet"];
const quietLog: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };

export interface GivenController {
  readonly app: App;
  readonly databaseUrl: string;
  readonly metricsUrl: string;
  /** As somebody at a terminal of 100 columns. */
  run(args: readonly string[], settings?: Partial<CliSettings>): Promise<CliRun>;
  api(
    path: string,
    request?: { readonly method?: string; readonly headers?: Readonly<Record<string, string>> },
  ): Promise<Response>;
  /** Delivers alerts as Alertmanager does. */
  deliver(...alerts: readonly object[]): Promise<void>;
  /** The id of the newest execution of a template that looks so. */
  execution(
    template: string,
    is: (execution: { phase: string; outcome: string | null }) => boolean,
  ): Promise<string>;
  push(files: Readonly<Record<string, string | null>>): void;
  readonly simulation: RunningSimulation;
  /** Another replica over the same database; its own `stop` stops it alone. */
  another(name: string): Promise<Pick<GivenController, "app" | "run" | "stop">>;
  stop(): Promise<void>;
}

export async function givenController({
  config_repository = {},
  ...settings
}: {
  readonly config_repository?: object;
  readonly [key: string]: unknown;
} = {}): Promise<GivenController> {
  const folder = temporaryFolder();
  const [postgres, simulation] = await Promise.all([
    startPostgres({ fsync: false }),
    startSimulatedCluster({ namespaces }),
  ]);
  for (const namespace of namespaces) simulation.cluster.deploy({ namespace, name: "api", replicas: 2 });
  await simulation.cluster.until("healthy", (cluster) => cluster.deployment("shop", "api").healthy, 20);
  writeFileSync(join(folder.path, "kubeconfig"), simulation.kubeconfig);
  const repository = bareRepository(join(folder.path, "config.git"));
  const work = workCopy(join(folder.path, "work"), repository);
  work.push(catalog);
  const dataDir = join(folder.path, "data");
  const databaseUrl = await postgres.createDatabase();
  const startIn = (folderOfReplica: string) =>
    startReplica({
      data_dir: folderOfReplica,
      database: { url: databaseUrl },
      clusters: [{ name: "sim", kubeconfig: join(folder.path, "kubeconfig") }],
      live: [{ namespaces: ["shop", "till", "spare", "frozen"] }],
      config_repository: { url: repository, interval: "1s", ...config_repository },
      approvals: { people: [{ id: "ana" }, { id: "bo" }] },
      server: { listen: "127.0.0.1:0" },
      limits: { gather: "0s" },
      ...settings,
    });
  const app = await startIn(dataDir);
  const api: GivenController["api"] = (path, request = {}) =>
    fetch(`${app.url}${path}`, {
      ...request,
      headers: { authorization: `Bearer ${app.token}`, ...request.headers },
    });
  return {
    app,
    databaseUrl,
    metricsUrl: app.metricsUrl,
    run: (args, more = {}) =>
      cli(args, { environment: { GITMEND_DATA_DIR: dataDir, GITMEND_USER: "ana" }, ...more }),
    api,
    async deliver(...alerts) {
      const body = JSON.stringify({ version: "4", alerts });
      const answer = await fetch(`${app.url}/webhooks/alertmanager`, { method: "POST", body });
      if (answer.status !== 202) throw new Error(`${answer.status} ${await answer.text()}`);
    },
    execution: (template, is) =>
      eventually(`an execution of ${template}`, async () => {
        const answer = await api(`/api/v1/executions?template=${template}`);
        const { items } = (await answer.json()) as {
          items: { id: string; phase: string; outcome: string | null }[];
        };
        return items.find(is)?.id;
      }),
    push: (files) => void work.push(files),
    simulation,
    async another(name) {
      const own = join(folder.path, name);
      const replica = await startIn(own);
      const environment = { GITMEND_DATA_DIR: own, GITMEND_USER: "ana" };
      return {
        app: replica,
        run: (args, more = {}) => cli(args, { environment, ...more }),
        stop: () => replica.drain(0),
      };
    },
    async stop() {
      await app.drain(0);
      await simulation.stop();
      await postgres.remove();
      folder.remove();
    },
  };
}

async function startReplica(settings: object): Promise<App> {
  const { config, findings } = readConfig(JSON.stringify(settings), "gitmend.yaml", {});
  if (config === null) throw new Error(JSON.stringify(findings));
  const app = await startApp({ config, environment: {}, log: quietLog, library: async () => [], demo: true });
  await eventually("the catalog is in use", () => app.controller.catalog.current() ?? undefined);
  return app;
}

export function firing(name: string, labels: Readonly<Record<string, string>>, fingerprint: string): object {
  return {
    status: "firing",
    labels: { alertname: name, severity: "warning", ...labels },
    annotations: {},
    startsAt: new Date().toISOString(),
    endsAt: "0001-01-01T00:00:00Z",
    fingerprint,
  };
}
