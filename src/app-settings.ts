// Settings of gitmend.yaml as the adapters take them: references to secrets become values here and nowhere else.
import type { AlertmanagerAddress } from "./adapters/alertmanager/alertmanager-api.ts";
import type { GitCredential, GitRemote } from "./adapters/git/git-remote.ts";
import type { HttpEndpoint } from "./adapters/http/endpoints.ts";
import type { DatabaseAddress } from "./adapters/postgres/open-database.ts";
import type { PrometheusServer } from "./adapters/prometheus/query-prometheus.ts";
import { type Config, resolveSecret } from "./config/read-config.ts";
import type { StormLimits } from "./controller/decision-ports.ts";
import type { Retention } from "./controller/ports.ts";
import { durationSeconds } from "./domain/duration.ts";
import { Problem } from "./domain/problem.ts";
import type { WebhookSource } from "./server/receive-webhook.ts";

/** The cluster that nobody named. */
export const defaultClusterName = "default";

const shortestRetention = 30 * 86_400;

export type Environment = Readonly<Record<string, string | undefined>>;
type SecretReference = Parameters<typeof resolveSecret>[0];

/** null: not configured. @throws Problem CONFIG_INVALID when the reference leads nowhere */
export function secretValue(reference: SecretReference | undefined, environment: Environment): string | null {
  return reference === undefined ? null : resolveSecret(reference, environment);
}

export function gitCredential(
  credential: Config["config_repository"]["credential"],
  environment: Environment,
): GitCredential | null {
  if (credential === undefined) return null;
  if (credential.ssh_key !== undefined) {
    if (credential.known_hosts === undefined) {
      throw new Problem(
        "CONFIG_INVALID",
        "a Git credential with ssh_key needs known_hosts: an unknown host is not trusted",
      );
    }
    return { kind: "ssh", privateKeyFile: credential.ssh_key, knownHostsFile: credential.known_hosts };
  }
  const token = secretValue(credential.token, environment);
  return token === null ? null : { kind: "token", username: credential.username, token };
}

export function gitRemote(
  { url, credential }: Config["audit_repository"],
  environment: Environment,
): GitRemote | null {
  return url === undefined ? null : { url, credential: gitCredential(credential, environment) };
}

/** One source for each Alertmanager; without any, one that speaks for all clusters and is open on loopback only. */
export function webhookSources(
  config: Config,
  environment: Environment,
  clusters: readonly string[],
): readonly WebhookSource[] {
  // Without any cluster alerts are kept all the same; nothing can be read of what they are about.
  const known = clusters.length > 0 ? clusters : [defaultClusterName];
  if (config.alertmanagers.length === 0)
    return [{ name: "default", clusters: known, clusterLabel: "cluster", credential: null }];
  return config.alertmanagers.map(({ name, clusters: own, cluster_label, namespaces, credential }) => ({
    name,
    clusters: own ?? known,
    clusterLabel: cluster_label,
    ...(namespaces === undefined ? {} : { namespaces }),
    credential: webhookCredential(credential, environment),
  }));
}

/** Those whose API may be asked. */
export function alertmanagerAddresses(
  config: Config,
  environment: Environment,
  clusters: readonly string[],
): readonly AlertmanagerAddress[] {
  const sources = new Map(
    webhookSources(config, environment, clusters).map((source) => [source.name, source]),
  );
  return config.alertmanagers.flatMap((alertmanager) => {
    const { name, url } = alertmanager;
    const source = sources.get(name);
    if (url === undefined || source === undefined) return [];
    return [{ source, url, authorization: alertmanagerAuthorization(alertmanager, environment) }];
  });
}

/** @throws Problem CONFIG_INVALID when nobody could ever be asked: every decision would wait for ever */
export function confirm({ confirm: who, alertmanagers, prometheus }: Config): Config["confirm"] {
  if (who === "alertmanager" && alertmanagers.every(({ url }) => url === undefined))
    throw new Problem(
      "CONFIG_INVALID",
      "confirm: alertmanager asks the `url` of alertmanagers, and none has one",
    );
  if (who === "prometheus" && prometheus.length === 0)
    throw new Problem("CONFIG_INVALID", "confirm: prometheus asks `prometheus`, and none is configured");
  return who;
}

/** Where the state of record is: the server of the file, else the embedded one. @throws Problem CONFIG_INVALID */
export function databaseAddress(
  { database }: Config,
  environment: Environment,
  dataDir: string,
): DatabaseAddress {
  const url = urlWithPassword(database, environment);
  return url === null ? { dataDir } : { url };
}

/** null: replicas share nothing but the database. @throws Problem CONFIG_INVALID */
export function redisAddress({ redis }: Config, environment: Environment): string | null {
  return urlWithPassword(redis, environment);
}

function urlWithPassword({ url, password }: Config["database"], environment: Environment): string | null {
  const secret = secretValue(password, environment);
  if (url === undefined || secret === null) return url ?? null;
  const withPassword = new URL(url);
  withPassword.password = encodeURIComponent(secret);
  return withPassword.href;
}

export function retention({ retention: { dead_letters, alerts, evidence, bodies } }: Config): Retention {
  return {
    deadLettersSeconds: durationSeconds(dead_letters),
    alertsSeconds: durationSeconds(alerts),
    evidenceSeconds: durationSeconds(evidence),
    bodiesSeconds: durationSeconds(bodies),
  };
}

/** `limits`, as far as deciding goes. */
export function stormLimits({ limits: { backlog, breaker, flapping, gather } }: Config): StormLimits {
  const scopes = ["target", "template", "global"] as const;
  return {
    gatherSeconds: durationSeconds(gather),
    backlog,
    flapping: { openings: flapping.openings, windowSeconds: durationSeconds(flapping.window) },
    breakers: scopes.map((scope) => {
      const { setbacks, per } = breaker[scope];
      return { scope, setbacks, perSeconds: durationSeconds(per) };
    }),
  };
}

/** @throws Problem CONFIG_INVALID: cool-downs, limits and histories look back for days, and would find nothing */
export function keepExecutions({ retention: { executions } }: Config): number {
  const seconds = durationSeconds(executions);
  if (seconds >= shortestRetention) return seconds;
  throw new Problem("CONFIG_INVALID", `retention.executions must be 30d or longer, not ${executions}`);
}

/** In the order of the file: the first that has a cluster's metrics is asked. */
export function prometheusServers(config: Config, environment: Environment): readonly PrometheusServer[] {
  return config.prometheus.map(({ url, clusters, credential }) => ({
    url,
    clusters: clusters ?? null,
    authorization: authorizationOf(webhookCredential(credential, environment)),
  }));
}

/** What steps may call, by name. A credential is read when it is sent: who rotates a token restarts nothing. */
export function endpoints(config: Config, environment: Environment): ReadonlyMap<string, HttpEndpoint> {
  const entries = Object.entries(config.http.endpoints).map(([name, { url, credential, header }]) => {
    const sent = (): readonly [string, string] | null => {
      if (header !== undefined) return [header.name, resolveSecret(header.value, environment)];
      const text = authorizationOf(webhookCredential(credential, environment));
      return text === null ? null : ["authorization", text];
    };
    return [name, { url, credential: sent }] as const;
  });
  return new Map(entries);
}

/** What gitmend sends to an Alertmanager's API. */
export function alertmanagerAuthorization(
  { url_credential }: Config["alertmanagers"][number],
  environment: Environment,
): string | null {
  return authorizationOf(webhookCredential(url_credential, environment));
}

/** The header that gitmend sends with this credential. */
function authorizationOf(credential: WebhookSource["credential"]): string | null {
  if (credential === null) return null;
  if (credential.type === "bearer") return `Bearer ${credential.token}`;
  const { username, password } = credential;
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

function webhookCredential(
  credential: Config["alertmanagers"][number]["credential"],
  environment: Environment,
): WebhookSource["credential"] {
  const token = secretValue(credential?.bearer, environment);
  if (token !== null) return { type: "bearer", token };
  const { username, password } = credential?.basic ?? {};
  const secret = secretValue(password, environment);
  return username === undefined || secret === null ? null : { type: "basic", username, password: secret };
}
