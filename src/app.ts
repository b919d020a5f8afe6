// The only wiring: which adapter stands behind which port. Starts everything in order, drains it in reverse.
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Sources } from "./actions/action.ts";
import { effects } from "./actions/effects.ts";
import { actions } from "./actions/registry.ts";
import { actionTools } from "./adapters/action-tools.ts";
import { alertmanagers } from "./adapters/alertmanager/alertmanager-api.ts";
import { catalogCompiler } from "./adapters/catalog-compiler.ts";
import { faultPoints } from "./adapters/fault-points.ts";
import { openAuditRepository } from "./adapters/git/audit-repository.ts";
import { type CatalogSourceOptions, openCatalogSource } from "./adapters/git/catalog-source.ts";
import { seedRepository } from "./adapters/git/seed-repository.ts";
import { openSources } from "./adapters/git/source-repositories.ts";
import { httpEndpoints } from "./adapters/http/endpoints.ts";
import { missingAccessOf } from "./adapters/kubernetes/missing-access.ts";
import { createNotifier } from "./adapters/notifications/create-notifier.ts";
import { type Database, openDatabase } from "./adapters/postgres/open-database.ts";
import { prometheusQueries } from "./adapters/prometheus/query-prometheus.ts";
import { type OpenShared, openShared } from "./adapters/redis/open-shared.ts";
import { createMetrics, type MetricsRegistry } from "./adapters/telemetry/metrics.ts";
import { uuidV7 } from "./adapters/uuid-v7.ts";
import { type ClusterSetup, connectClusters } from "./app-clusters.ts";
import { openChangeForge, openForge } from "./app-forge.ts";
import { openServer } from "./app-server.ts";
import {
  alertmanagerAddresses,
  confirm,
  databaseAddress,
  endpoints,
  gitCredential,
  gitRemote,
  keepExecutions,
  prometheusServers,
  redisAddress,
  retention,
  secretValue,
  stormLimits,
} from "./app-settings.ts";
import { gitSources } from "./app-sources.ts";
import { writeControllerFile } from "./config/controller-file.ts";
import { type Config, floorRules, scopesOf } from "./config/read-config.ts";
import {
  type Controller,
  type ControllerOptions,
  type ControllerPorts,
  startController,
} from "./controller/controller.ts";
import type { CatalogFile, Log } from "./controller/ports.ts";
import { nothingShared, ownNews, tellingStore } from "./controller/shared.ts";
import { durationSeconds } from "./domain/duration.ts";

export { approveLocally, rejectLocally } from "./adapters/forges/local/approve-locally.ts";
export { type AuditCommit, type AuditHistory, openAuditHistory } from "./adapters/git/audit-history.ts";

import { allowedSigners as peopleSigners } from "./adapters/forges/local/signers.ts";

export { readCatalogAt } from "./adapters/git/catalog-at.ts";
export { signText } from "./adapters/ssh-signature.ts";
export { createLog } from "./adapters/telemetry/log.ts";
export { checkDatabase, migrateDatabase } from "./app-database.ts";

export interface AppOptions {
  readonly config: Config;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  /** The templates and policies that a new embedded config repository starts with. */
  readonly library: () => Promise<readonly CatalogFile[]>;
  /** The demo alone: approvals without signatures count. */
  readonly demo?: boolean;
}

export interface App {
  readonly url: string;
  readonly metricsUrl: string;
  readonly token: string;
  readonly database: Database;
  readonly controller: Controller;
  /** The bare audit repository: `git --git-dir <path> log`. */
  readonly auditFolder: string;
  readonly clusters: ClusterSetup;
  /** New work goes elsewhere at once, running steps end, the rest is handed over. */
  drain(graceSeconds: number): Promise<void>;
}

/** @throws Problem CONFIG_INVALID, DATA_FOLDER_IN_USE, DATABASE_UNAVAILABLE, DATABASE_TOO_NEW: then nothing is left open */
export async function startApp(options: AppOptions): Promise<App> {
  const { config, environment, log } = options;
  const dataDir = resolve(config.data_dir);
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  await using opened = new AsyncDisposableStack();
  const clusters = connectClusters(config, environment, log);
  opened.defer(() => clusters.close());
  const shared = openSharing(options);
  opened.defer(() => shared.close());
  const database = await openTellingDatabase(options, dataDir, shared);
  opened.defer(() => database.close());
  const auditFolder = join(dataDir, "audit.git");
  warnOfScatteredRecords(options, auditFolder);
  const metrics = createMetrics();
  database.lease.onLost(() => metrics.count("lease_losses_total", {}));
  const opening = await openPorts(options, dataDir, auditFolder, database, clusters, metrics);
  const ports = { ...opening, shared };
  const controller = startController(ports, controllerOptions(config));
  opened.defer(() => controller.drain(0));
  let draining = false;
  const token = secretValue(config.server.token, environment) ?? randomBytes(24).toString("base64url");
  const server = openServer({
    config,
    environment,
    token,
    dataFolder: dataDir,
    auditFolder,
    database,
    ports,
    controller,
    clusters,
    metrics,
    log,
    draining: () => draining,
  });
  const { url, metricsUrl } = await server.listen();
  await writeControllerFile(dataDir, { url, token });
  opened.move();
  return {
    url,
    metricsUrl,
    token,
    database,
    controller,
    auditFolder,
    clusters,
    async drain(graceSeconds) {
      draining = true;
      await controller.drain(graceSeconds);
      await server.close(1);
      shared.close();
      await database.close();
      await clusters.close();
      log.info({}, "stopped");
    },
  };
}

function controllerOptions(config: Config): ControllerOptions {
  return {
    catalogIntervalSeconds: durationSeconds(config.config_repository.interval),
    staleAfterSeconds: durationSeconds(config.limits.stale_after),
    retention: retention(config),
    keepExecutionsSeconds: keepExecutions(config),
  };
}

async function openTellingDatabase(
  { config, environment, log }: AppOptions,
  dataDir: string,
  shared: OpenShared,
): Promise<Database> {
  const database = await openDatabase({ ...databaseAddress(config, environment, dataDir), log });
  return { ...database, executions: tellingStore(database.executions, shared) };
}

function openSharing({ config, environment, log }: AppOptions): OpenShared {
  const url = redisAddress(config, environment);
  return url === null ? { ...nothingShared(), close: () => undefined } : openShared(url, ownNews(), log);
}

function warnOfScatteredRecords({ config, log }: AppOptions, auditFolder: string): void {
  if (config.database.url === undefined || config.audit_repository.url !== undefined) return;
  log.warn(
    { auditFolder },
    "no audit_repository.url: each replica keeps the records that it published in its own folder",
  );
}

/** What a controller works with. Tests put some of it in the way of faults, or in the place of others. */
export async function openPorts(
  options: AppOptions,
  dataDir: string,
  auditFolder: string,
  database: Database,
  clusters: ClusterSetup,
  metrics: MetricsRegistry,
): Promise<Omit<ControllerPorts, "shared">> {
  const { config, environment, log } = options;
  const { clock } = database;
  const { branch, path, credential } = config.config_repository;
  const url = await configRepository(options, dataDir);
  const sources = await sourceRepositories(options, dataDir);
  const repository = { url, branch, path, credential: gitCredential(credential, environment) };
  return {
    ...stores(database),
    log,
    metrics,
    effects,
    actions: new Map(actions.map((action) => [action.name, action])),
    clusters: tools(options, sources, database, clusters),
    repairs: sources,
    alertmanagers: alertmanagers(alertmanagerAddresses(config, environment, [...clusters.byName.keys()])),
    ids: uuidV7(clock),
    random: Math.random,
    faults: faultPoints(environment["GITMEND_FAULT"], (point) => log.warn({ point }, "fault point reached")),
    source: openCatalogSource({
      ...repository,
      allowedSignersFile: allowedSigners(config),
      approvers: approvers(config),
      cacheDir: join(dataDir, "catalog-cache"),
    }),
    changes: await proposedChanges(options, repository, dataDir),
    compiler: catalogCompiler(actions, { floor: floorRules(config), scopes: scopesOf(config) }),
    auditRepository: await auditRepository(options, auditFolder),
    forge: await openForge(config, environment, dataDir, clock, options.demo ?? false),
    loosening: config.loosening ?? null,
    teams: new Map(Object.entries(config.approvals.teams)),
    factTimeoutSeconds: durationSeconds(config.limits.fact_timeout),
    ownerLabel: config.ownership.label,
    bindings: database.bindings,
    bindingNamespaces: config.role_bindings.namespaces,
    live: config.live,
    storms: stormLimits(config),
    hasChannel: hasChannel(config),
    channels: Object.keys(config.notifications.channels),
    mostReplicaChange: config.limits.replica_change,
    missingAccess: missingAccessOf((name) => clusters.byName.get(name)?.connection.mayDo ?? null),
    confirm: confirm(config),
    protection: {
      namespaces: config.protected.namespaces,
      ownNamespace: clusters.ownNamespace,
      ownNode: environment["GITMEND_NODE_NAME"] ?? null,
    },
  };
}

/** Strangers may propose what takes long to compile: they get less time and memory than a commit of the branch. */
const proposalLimits = { seconds: 30, memoryMebibytes: 512 };

async function proposedChanges(
  { config, environment }: AppOptions,
  repository: Pick<CatalogSourceOptions, "url" | "branch" | "path" | "credential">,
  dataDir: string,
): Promise<ControllerPorts["changes"]> {
  const changeForge = await openChangeForge(config, environment);
  if (changeForge === null) return null;
  return {
    changeForge,
    source: openCatalogSource({ ...repository, cacheDir: join(dataDir, "proposals-cache") }),
    compiler: catalogCompiler(actions, {
      limits: proposalLimits,
      floor: floorRules(config),
      scopes: scopesOf(config),
    }),
  };
}

function stores(database: Database) {
  const { alerts, executions, assessments, outbox, lease, clock } = database;
  const { asks, nextAsks, lifts, escalations, guards: guardStore, holds, followUps } = database;
  const { catalog: catalogState, pauses: pauseStore, breakers } = database;
  return {
    alerts,
    executions,
    assessments,
    outbox,
    lease,
    clock,
    catalogState,
    guardStore,
    pauseStore,
    breakers,
    asks,
    nextAsks,
    lifts,
    escalations,
    holds,
    followUps,
  };
}

function tools(
  { config, environment }: AppOptions,
  sources: Sources,
  { executions, clock, bindings }: Database,
  clusters: ClusterSetup,
) {
  const notifier = createNotifier({
    ...channels(config, environment),
    allowPrivate: config.notifications.allow_private,
  });
  return actionTools(clusters.byName, {
    notifier,
    executions,
    clock,
    queryMetrics: prometheusQueries(prometheusServers(config, environment)),
    knownBindings: (cluster, namespace) =>
      bindings.known(cluster, namespace, durationSeconds(config.role_bindings.known_after)),
    sendHttp: httpEndpoints(endpoints(config, environment)),
    scopes: scopesOf(config),
    sources,
  });
}

async function sourceRepositories({ config, environment }: AppOptions, dataDir: string) {
  return openSources(await gitSources(config, environment), join(dataDir, "sources"));
}

function auditRepository({ config, environment }: AppOptions, folder: string) {
  return openAuditRepository({
    folder,
    branch: config.audit_repository.branch,
    remote: gitRemote(config.audit_repository, environment),
    signingKey: config.audit_repository.sign?.key ?? null,
  });
}

function approvers({ approvals: { people } }: Config): string {
  return peopleSigners(people.map(({ id, signer = null }) => ({ id, signer })));
}

function allowedSigners({ config_repository: { verify } }: Config): string | null {
  return verify === undefined ? null : resolve(verify.allowed_signers);
}

/** The configured URL, or a bare repository in the data folder that starts with the shipped library. */
async function configRepository({ config, library, log }: AppOptions, dataDir: string): Promise<string> {
  const { url, branch } = config.config_repository;
  if (url !== undefined) return url;
  const folder = join(dataDir, "config.git");
  if (!existsSync(folder) && (await seedRepository(folder, branch, await library()))) {
    log.info({ repository: folder }, "made a config repository with the shipped templates and policies");
  }
  return folder;
}

/** Where messages go that name no channel. */
function hasChannel({ notifications }: Config): boolean {
  return Object.hasOwn(notifications.channels, notifications.default ?? "default");
}

function channels(config: Config, environment: AppOptions["environment"]) {
  const entries = Object.entries(config.notifications.channels).map(
    ([name, { kind, url, secret }]) =>
      [name, { kind, url, secret: secretValue(secret, environment) }] as const,
  );
  return { channels: Object.fromEntries(entries), default: config.notifications.default ?? null };
}
