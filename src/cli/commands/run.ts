// `gitmend run`: the controller, until it is told to stop. The first signal drains it, the second ends it at once.
import { resolve } from "node:path";
import type { Command } from "commander";
import type { Config } from "../../config/read-config.ts";
import type { Log } from "../../controller/ports.ts";
import { Problem } from "../../domain/problem.ts";
import type { CliContext } from "../context.ts";
import { configOption, loadConfig } from "../load-config.ts";
import { withExample } from "../output.ts";
import { shippedLibrary } from "../shipped-library.ts";

interface Options {
  readonly config?: string;
  readonly live?: boolean;
  readonly context?: string;
}

/** For calls under way; a step that only waits is taken up by the next owner where it stands. */
const drainSeconds = 10;

export function addRun(program: Command, context: CliContext): void {
  withExample(
    program
      .command("run")
      .description("the controller")
      .addOption(configOption())
      .option("--live", "change things in the cluster of --context, without a gitmend.yaml")
      .option("--context <name>", "a context of the kubeconfig (KUBECONFIG, else ~/.kube/config)")
      .action((options: Options) => run(options, context)),
    "gitmend run --config /etc/gitmend/gitmend.yaml",
  );
}

async function run(options: Options, context: CliContext): Promise<void> {
  const config = withContext(await loadConfig(options.config, context), options);
  const stopping = firstSignal();
  const { startApp, createLog } = await import("../../app.ts");
  const log = createLog({ level: "info", pretty: process.stderr.isTTY });
  const held = holdInfo(log);
  try {
    const app = await startApp({
      config,
      environment: context.environment,
      log: held.log,
      library: shippedLibrary,
    });
    const mode = config.live.length === 0 ? "observe" : "live";
    const clusters = [...app.clusters.byName].map(([name, { connection }]) => `${name} ${connection.server}`);
    log.info({ url: app.url, mode, clusters, dataFolder: resolve(config.data_dir) }, "listening");
    held.release();
    const signal = await stopping;
    log.info({ signal }, "stopping");
    await app.drain(drainSeconds);
  } finally {
    held.release();
  }
}

/** Live takes a file that says where, or both options: what a kubeconfig happens to point at is only observed. */
function withContext(config: Config, { live = false, context }: Options): Config {
  if (context === undefined) {
    if (live) throw new Problem("USAGE", "--live needs --context <name>, or a gitmend.yaml with `live`");
    return config;
  }
  if (config.clusters.length > 0)
    throw new Problem("USAGE", "--context is for running without `clusters` in gitmend.yaml");
  return {
    ...config,
    clusters: [{ name: context, labels: {}, context, in_cluster: false }],
    live: live ? [{ clusters: [context], namespaces: ["*"], max_risk: "critical" }] : config.live,
  };
}

/** The address is the first line of the log: what is only informative waits for it, what is wrong does not. */
function holdInfo(log: Log): { readonly log: Log; release(): void } {
  let waiting: (() => void)[] | null = [];
  const info: Log["info"] = (fields, message) => {
    if (waiting === null) log.info(fields, message);
    else waiting.push(() => log.info(fields, message));
  };
  return {
    log: { ...log, info },
    release() {
      const lines = waiting ?? [];
      waiting = null;
      for (const write of lines) write();
    },
  };
}

/** The second one ends the process; one within a second is the same (npm and timeout(1) send each signal twice). */
async function firstSignal(): Promise<NodeJS.Signals> {
  const { promise, resolve: stop } = Promise.withResolvers<NodeJS.Signals>();
  let toldAt: number | null = null;
  const onSignal = (signal: NodeJS.Signals) => {
    if (toldAt !== null && performance.now() - toldAt > 1_000) process.exit(1);
    toldAt ??= performance.now();
    stop(signal);
  };
  process.on("SIGTERM", onSignal).on("SIGINT", onSignal);
  return promise;
}
