// Everything that gitmend needs from outside, asked for once: what is wrong and how to mend it. Reads only.
// A check that fails says so in its line; it never keeps the others from being made.

import type { LiveScope } from "../domain/gate/weigh-gate.ts";
import { globMatcher } from "../domain/glob.ts";
import { secondsBetween } from "../domain/instant.ts";
import type { Catalog } from "../domain/policies/catalog.ts";
import { toProblem } from "../domain/problem.ts";
import type { RbacRule } from "../domain/templates/action-description.ts";
import type { Check, ExaminedCluster } from "./doctor-ports.ts";
import { accountChecks } from "./examine-accounts.ts";
import { accessInUse, deniedAccess } from "./rbac-in-use.ts";
import type { Health, Views } from "./views.ts";

/** Something outside that answers or throws. */
export interface Reachable {
  readonly name: string;
  reach(): Promise<string>;
  readonly mend: string;
}

export interface DoctorPorts {
  readonly views: Pick<Views, "health">;
  readonly catalog: {
    current(): Catalog | null;
    findings(): {
      readonly findings: readonly { readonly severity: string }[];
      readonly problem: string | null;
    };
  };
  readonly clusters: readonly ExaminedCluster[];
  readonly actions: ReadonlyMap<string, { readonly rbac: readonly RbacRule[] }>;
  readonly live: readonly LiveScope[];
  /** Git remotes, Prometheus, Alertmanager. */
  readonly reachables: readonly Reachable[];
  readonly people: {
    readonly approvers: number;
    readonly channels: number;
    /** Ids of emergency people who have no key to prove who they are. */
    readonly withoutKey: readonly string[];
  };
  readonly dataFolder: string;
  /** Bytes that are left for the data folder. */
  readonly freeBytes: () => Promise<number>;
  /** The process's wall clock, ISO 8601. */
  readonly wallClock: () => string;
}

const checkSeconds = 8;
const mebibyte = 1024 * 1024;
const slowSeconds = 0.5;
const lagWarnSeconds = 60;
const lagFailSeconds = 600;
/** Alertmanager repeats it every `repeat_interval`: short for a Watchdog that is to be watched, 4 h unless somebody says so. */
const watchdogSeconds = { warn: 600, fail: 5 * 3600 };

export async function examine(ports: DoctorPorts): Promise<readonly Check[]> {
  const checks = await Promise.all([
    guarded("database", "see the controller's log; GITMEND_DATABASE_URL says where it is", () =>
      database(ports),
    ),
    Promise.resolve([catalog(ports)]),
    ...ports.reachables.map((one) =>
      guarded(one.name, one.mend, async () => [ok(one.name, await one.reach())]),
    ),
    ...ports.clusters.map((cluster) =>
      guarded(
        `cluster ${cluster.name}`,
        `is ${cluster.server} right, and may this machine reach it?`,
        (signal) => clusterChecks(cluster, ports, signal),
      ),
    ),
    Promise.resolve(ports.clusters.length > 0 ? [] : [noCluster]),
    guarded("disk", "is the data folder there?", () => disk(ports)),
    Promise.resolve(people(ports)),
  ]);
  return checks.flat();
}

const noCluster: Check = {
  name: "clusters",
  status: "warn",
  detail: "no cluster is configured, and no kubeconfig was found",
  mend: "name one under `clusters` in gitmend.yaml",
};

function ok(name: string, detail: string): Check {
  return { name, status: "ok", detail, mend: null };
}

function judged(name: string, status: Check["status"], detail: string, mend: string): Check {
  return { name, status, detail, mend: status === "ok" ? null : mend };
}

async function guarded(
  name: string,
  mend: string,
  check: (signal: AbortSignal) => Promise<readonly Check[]>,
): Promise<readonly Check[]> {
  const signal = AbortSignal.timeout(checkSeconds * 1000);
  const { promise: late, reject } = Promise.withResolvers<never>();
  signal.addEventListener("abort", () => reject(new Error(`no answer within ${checkSeconds} s`)));
  try {
    return await Promise.race([check(signal), late]);
  } catch (error) {
    return [{ name, status: "fail", detail: toProblem(error).message, mend }];
  }
}

async function database({ views, wallClock }: DoctorPorts): Promise<readonly Check[]> {
  const began = performance.now();
  const sent = wallClock();
  const health = await views.health();
  const seconds = (performance.now() - began) / 1000;
  const slow = seconds > slowSeconds;
  return [
    judged(
      "database",
      slow ? "warn" : "ok",
      `answers in ${Math.round(seconds * 1000)} ms`,
      "look at its load and its disk: every decision and step waits for it",
    ),
    clock(secondsBetween(sent, health.now) - seconds / 2),
    owners(health),
    record(health),
    watchdog(health),
  ];
}

/** Nothing is decided by the process's clock; people compare its log with the record. */
function clock(offsetSeconds: number): Check {
  const off = Math.abs(offsetSeconds);
  const detail = `${off.toFixed(1)} s between this machine and the database`;
  return judged("clock", off > 2 ? "warn" : "ok", detail, "synchronise both with NTP");
}

/** Within seconds somebody takes over what has lost its owner: whoever can read it. */
function owners({ unowned }: Health): Check {
  return judged(
    "executions",
    unowned > 0 ? "warn" : "ok",
    unowned > 0 ? `${unowned} that have not ended have no owner` : "each that has not ended has an owner",
    "look again in ten seconds; what stays holds events of a newer version of gitmend: run one replica of it (docs/how-to/keep-the-database.md)",
  );
}

function record({ unpublished, auditLagSeconds }: Health): Check {
  const status = auditLagSeconds > lagFailSeconds ? "fail" : auditLagSeconds > lagWarnSeconds ? "warn" : "ok";
  const detail =
    unpublished === 0
      ? "everything is in the audit repository"
      : `${unpublished} commits are not in the audit repository yet, the oldest for ${Math.round(auditLagSeconds)} s`;
  return judged(
    "record",
    status,
    detail,
    "the controller's log says why it cannot publish; nothing is lost meanwhile",
  );
}

function watchdog({ watchdogAt, now }: Health): Check {
  const mend = "route the alert Watchdog of kube-prometheus to gitmend: docs/how-to/connect-alertmanager.md";
  if (watchdogAt === null) {
    const detail = "no Watchdog alert has come: silence and a dead Alertmanager look the same";
    return judged("alerts", "warn", detail, mend);
  }
  const seconds = secondsBetween(watchdogAt, now);
  const detail = `the Watchdog came ${Math.round(seconds / 60)} min ago`;
  if (seconds > watchdogSeconds.warn && seconds <= watchdogSeconds.fail)
    return judged(
      "alerts",
      "warn",
      detail,
      "give its route a `repeat_interval` of a few minutes: docs/how-to/connect-alertmanager.md",
    );
  return seconds <= watchdogSeconds.warn
    ? ok("alerts", detail)
    : judged(
        "alerts",
        "fail",
        detail,
        "alerts no longer reach gitmend: look at Alertmanager and its receiver",
      );
}

function catalog({ catalog: inUse }: DoctorPorts): Check {
  const current = inUse.current();
  const { findings, problem } = inUse.findings();
  const errors = findings.filter(({ severity }) => severity === "error").length;
  const mend = "`gitmend validate` in the config repository names file, line and column";
  const stays = current === null ? "no revision is in use" : `${current.revision} stays in use`;
  if (errors > 0) return judged("catalog", "fail", `the newest commit has ${errors} errors: ${stays}`, mend);
  if (problem !== null)
    return judged("catalog", "fail", `${problem}: ${stays}`, "see config_repository in gitmend.yaml");
  if (current === null) return judged("catalog", "fail", stays, mend);
  return ok(
    "catalog",
    `${current.revision}: ${current.templates.size} templates, ${current.ruleCount} rules`,
  );
}

async function clusterChecks(
  cluster: ExaminedCluster,
  { actions, catalog: inUse, live }: DoctorPorts,
  signal: AbortSignal,
): Promise<readonly Check[]> {
  const name = `cluster ${cluster.name}`;
  const version = await cluster.version(signal);
  const scopes = live.filter(({ clusters }) => clusters === undefined || globMatcher(clusters)(cluster.name));
  const reached = ok(name, `${version} at ${cluster.server}, ${scopes.length === 0 ? "observe" : "live"}`);
  const access = accessInUse(inUse.current(), actions, scopes.length > 0);
  const denied = await deniedAccess(access, scopes, (question) => cluster.mayDo(question, signal));
  const rights = `permissions in ${cluster.name}`;
  const accounts = await accountChecks(cluster, inUse.current(), actions, signal);
  if (denied.length === 0)
    return [reached, ok(rights, "everything that the actions in use need"), ...accounts];
  const detail = `may not ${denied.join("; ")}`;
  const mend =
    "grant these to gitmend's account; `gitmend actions show <action>` says what each action needs";
  return [reached, judged(rights, "fail", detail, mend), ...accounts];
}

async function disk({ dataFolder, freeBytes }: DoctorPorts): Promise<readonly Check[]> {
  const free = await freeBytes();
  const status = free < 100 * mebibyte ? "fail" : free < 1024 * mebibyte ? "warn" : "ok";
  const size =
    free >= 1024 * mebibyte
      ? `${Math.floor(free / mebibyte / 1024)} GiB`
      : `${Math.floor(free / mebibyte)} MiB`;
  return [judged("disk", status, `${size} free at ${dataFolder}`, "make room: the record is kept there")];
}

function people({ people: { approvers, channels, withoutKey } }: DoctorPorts): readonly Check[] {
  return [
    judged(
      "approvers",
      approvers > 0 ? "ok" : "warn",
      approvers > 0
        ? `${approvers} people may approve`
        : "nobody may approve: what needs an approval expires",
      "name people and their keys under `approvals` in gitmend.yaml",
    ),
    judged(
      "notifications",
      channels > 0 ? "ok" : "warn",
      channels > 0 ? `${channels} channels` : "no channel: an escalation is only seen in `gitmend now`",
      "name one under `notifications` in gitmend.yaml",
    ),
    ...(withoutKey.length === 0
      ? []
      : [
          judged(
            "break-glass",
            "warn",
            `no signer, so they cannot lift anything: ${withoutKey.join(", ")}`,
            "give them a `signer` under approvals.people, or take them out of approvals.emergency",
          ),
        ]),
  ];
}
