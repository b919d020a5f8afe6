// gitmend.yaml + environment -> Config with every default filled in, or everything that is wrong at once.
// The schema is the one table of options: keys, types, defaults, variables and reference pages all come from it.
import { readFileSync } from "node:fs";
import { didYouMean } from "../domain/did-you-mean.ts";
import { type Finding, hasErrors } from "../domain/finding.ts";
import type { Json } from "../domain/json.ts";
import { compileFloor } from "../domain/policies/compile-floor.ts";
import type { GuardRule } from "../domain/policies/rule.ts";
import { Problem } from "../domain/problem.ts";
import { schemaCheck, withDefaults } from "../domain/schema-findings.ts";
import type { RunAs, Scope } from "../domain/templates/scope.ts";
import { type DataPath, readYaml, type YamlDocument } from "../domain/yaml-findings.ts";
import { type Config, configSchema, type Secret } from "./config.generated.ts";
import { type Environment, type Overlay, overlayEnvironment } from "./config-variables.ts";

export type { Config } from "./config.generated.ts";

type ScopeEntry = Config["scopes"][number];

export interface ConfigReading {
  /** null: at least one finding is an error. */
  readonly config: Config | null;
  readonly findings: readonly Finding[];
}

/** The file with the environment on top; what came from a variable has the variable's name as its position. */
function overlaid(document: YamlDocument, { value, origins }: Overlay): YamlDocument {
  return {
    file: document.file,
    value,
    position(path, at) {
      const lengths = path.map((_, index) => path.slice(0, index + 1).join("."));
      const origin = lengths.map((key) => origins.get(key)).find((name) => name !== undefined);
      return origin === undefined ? document.position(path, at) : { file: origin, line: 1, column: 1 };
    },
  };
}

type Report = (path: DataPath, code: string, message: string) => void;

function checkUnique(path: DataPath, key: string, items: readonly object[], report: Report): void {
  const seen = new Set<unknown>();
  for (const [index, item] of items.entries()) {
    const name = (item as Readonly<Record<string, unknown>>)[key];
    if (seen.has(name))
      report([...path, index, key], "DUPLICATE_NAME", `"${String(name)}" stands here twice`);
    seen.add(name);
  }
}

function checkKnown(
  path: DataPath,
  name: string,
  known: readonly string[],
  what: string,
  report: Report,
): void {
  if (known.includes(name)) return;
  report(path, "UNKNOWN_NAME", `there is no ${what} "${name}"${didYouMean(name, known)}`);
}

function checkNames(
  { clusters, alertmanagers, prometheus, approvals, notifications }: Config,
  report: Report,
): void {
  checkUnique(["clusters"], "name", clusters, report);
  checkUnique(["alertmanagers"], "name", alertmanagers, report);
  checkUnique(["approvals", "people"], "id", approvals.people, report);
  const clusterNames = clusters.map(({ name }) => name);
  for (const [key, entries] of Object.entries({ alertmanagers, prometheus })) {
    for (const [index, { clusters: own = [] }] of entries.entries()) {
      for (const [position, name] of own.entries())
        checkKnown([key, index, "clusters", position], name, clusterNames, "cluster", report);
    }
  }
  const people = approvals.people.map(({ id }) => id);
  for (const [team, members] of Object.entries(approvals.teams)) {
    for (const [index, id] of members.entries()) {
      checkKnown(["approvals", "teams", team, index], id, people, "person", report);
    }
  }
  const teams = Object.keys(approvals.teams).map((team) => `team:${team}`);
  for (const [index, entry] of approvals.emergency.entries()) {
    checkKnown(["approvals", "emergency", index], entry, [...people, ...teams], "person or team", report);
  }
  const channels = Object.keys(notifications.channels);
  if (notifications.default === undefined) return;
  checkKnown(["notifications", "default"], notifications.default, channels, "channel", report);
}

function holdsPassword(url: string): boolean {
  return URL.canParse(url) && new URL(url).password !== "";
}

function checkSecrets(config: Config, fromEnvironment: (path: DataPath) => boolean, report: Report): void {
  const urls: readonly (readonly [DataPath, string | undefined])[] = [
    [["database", "url"], config.database.url],
    [["redis", "url"], config.redis.url],
    [["config_repository", "url"], config.config_repository.url],
    [["audit_repository", "url"], config.audit_repository.url],
  ];
  for (const [path, url] of urls) {
    if (url === undefined || fromEnvironment(path) || !holdsPassword(url)) continue;
    report(path, "SECRET_IN_FILE", "a password does not belong into this file: refer to it by env or file");
  }
}

const loopback = /^(?:127(?:\.\d{1,3}){3}|\[::1\]|localhost)$/;

/** Whoever reaches a controller without credentials can command it. */
function checkListening({ server, alertmanagers }: Config, report: Report): void {
  const host = server.listen.slice(0, server.listen.lastIndexOf(":"));
  if (loopback.test(host)) return;
  if (server.token === undefined) {
    report(
      ["server", "listen"],
      "NO_CREDENTIAL",
      `"${server.listen}" is not loopback only: server.token is needed`,
    );
  }
  for (const [index, { name, credential }] of alertmanagers.entries()) {
    if (credential !== undefined) continue;
    const message = `"${server.listen}" is not loopback only: alertmanager "${name}" needs a credential`;
    report(["alertmanagers", index], "NO_CREDENTIAL", message);
  }
}

function checkClusters({ clusters }: Config, report: Report): void {
  for (const [index, { in_cluster, kubeconfig, context }] of clusters.entries()) {
    if (!in_cluster || (kubeconfig === undefined && context === undefined)) continue;
    report(
      ["clusters", index],
      "WRONG_VALUE",
      "in_cluster uses the pod's own account: it takes no kubeconfig and no context",
    );
  }
}

function checkEndpoints({ http }: Config, report: Report): void {
  for (const [name, { credential, header }] of Object.entries(http.endpoints)) {
    if (credential === undefined || header === undefined) continue;
    report(
      ["http", "endpoints", name, "header"],
      "WRONG_VALUE",
      "stands instead of `credential`: write one of them",
    );
  }
}

function checkScopes({ scopes, clusters }: Config, report: Report): void {
  checkUnique(["scopes"], "path", scopes, report);
  const names = clusters.map(({ name }) => name);
  for (const [index, { path, clusters: own, run_as }] of scopes.entries()) {
    const wrong = pathFault(path);
    if (wrong !== null) report(["scopes", index, "path"], "WRONG_VALUE", wrong);
    for (const [position, name] of own.entries())
      if (clusters.length > 0 && !/[*?]/.test(name))
        checkKnown(["scopes", index, "clusters", position], name, names, "cluster", report);
    if (run_as === undefined) continue;
    const at = ["scopes", index, "run_as"];
    const { service_account, user, groups } = run_as;
    if ((service_account === undefined) === (user === undefined))
      report(at, "WRONG_VALUE", "needs exactly one of service_account and user");
    if (service_account !== undefined && groups.length > 0)
      report(
        [...at, "groups"],
        "WRONG_VALUE",
        "a service account has its own groups: write `user` with them",
      );
    if (groups.includes("system:masters"))
      report([...at, "groups"], "WRONG_VALUE", "system:masters may do everything: that bounds nothing");
  }
}

/** Compared by code points, so there is one way to write each folder. */
function pathFault(path: string): string | null {
  if (path === ".") return null;
  const parts = path.split("/");
  const odd = parts.some((part) => part === "" || part === "." || part === ".." || part.includes("\\"));
  if (odd || path !== path.normalize("NFC"))
    return `"${path}" is no folder as Git names it: write it like \`teams/shop\`, and \`.\` for the whole repository`;
  if (path.length > 500 || /[\p{Cc}\p{Cf}*?]/u.test(path)) return "no patterns, and no invisible characters";
  return null;
}

function checkTogether(config: Config, document: YamlDocument, overlay: Overlay): readonly Finding[] {
  const findings: Finding[] = [];
  const report: Report = (path, code, message) => {
    findings.push({ ...document.position(path), severity: "error", code, message });
  };
  checkNames(config, report);
  checkSecrets(config, (path) => overlay.origins.has(path.join(".")), report);
  checkListening(config, report);
  checkClusters(config, report);
  checkEndpoints(config, report);
  checkScopes(config, report);
  return findings;
}

/** `file` is only a name for findings. An empty text is a configuration of defaults. */
export function readConfig(text: string, file: string, environment: Environment): ConfigReading {
  const { document, findings } = readYaml(file, text);
  if (document === null) return { config: null, findings };
  const overlay = overlayEnvironment(document.value ?? {}, environment);
  const whole = overlaid(document, overlay);
  const faults = [...overlay.findings, ...schemaCheck(configSchema)(whole)];
  if (hasErrors(faults)) return { config: null, findings: faults };
  const config = withDefaults<Config>(whole.value, configSchema);
  const all = [...faults, ...checkTogether(config, whole, overlay), ...compileFloor(whole).findings];
  return { config: hasErrors(all) ? null : config, findings: all };
}

/** The guards of a configuration that was read without an error. */
export function floorRules({ floor }: Pick<Config, "floor">): readonly GuardRule[] {
  const value = { floor: floor as readonly Json[] };
  return compileFloor({ file: "floor", value, position: () => ({ file: "floor", line: 1, column: 1 }) })
    .rules;
}

/** What folders of the config repository may do. */
export function scopesOf({ scopes }: Pick<Config, "scopes">): readonly Scope[] {
  return scopes.map(({ path, namespaces, clusters, actions, secrets, max_risk, run_as }) => ({
    path,
    namespaces,
    clusters,
    actions,
    uses: secrets,
    maxRisk: max_risk,
    runAs: run_as === undefined ? null : runAsOf(run_as),
  }));
}

function runAsOf({ service_account, user = "", groups }: NonNullable<ScopeEntry["run_as"]>): RunAs {
  if (service_account === undefined) return { user, groups };
  return { user: `system:serviceaccount:${service_account.replace("/", ":")}`, groups: [] };
}

/** The secret itself, without white space at the end. @throws Problem CONFIG_INVALID when the reference leads nowhere. */
export function resolveSecret(
  reference: Secret,
  environment: Environment,
  readFile: (path: string) => string = (path) => readFileSync(path, "utf8"),
): string {
  const { env, file } = reference;
  if (env !== undefined) {
    const value = environment[env]?.trimEnd();
    if (value !== undefined && value !== "") return value;
    throw new Problem("CONFIG_INVALID", `the environment variable ${env} is not set`);
  }
  if (file === undefined) throw new Problem("CONFIG_INVALID", "a secret needs env or file");
  const content = secretFile(file, readFile);
  if (content === "") throw new Problem("CONFIG_INVALID", `the secret file ${file} is empty`);
  return content;
}

function secretFile(path: string, readFile: (path: string) => string): string {
  try {
    return readFile(path).trimEnd();
  } catch (error) {
    throw new Problem("CONFIG_INVALID", `the secret file ${path} cannot be read`, { cause: error });
  }
}
