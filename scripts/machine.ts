// What this machine has for the suites that need real servers: PostgreSQL, Alertmanager, Prometheus, Redis, SSH,
// Kubernetes.
// Looks, says how to get what is missing, and installs the Debian packages when it is told to and may.
import { accessSync, constants, existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { runCommand } from "./run-command.ts";

export type Server = "postgres" | "alertmanager" | "prometheus" | "redis" | "ssh" | "kubernetes";

export interface Machine {
  /** Folder with `initdb` and `postgres`. */
  readonly postgres: string | null;
  /** The program. */
  readonly alertmanager: string | null;
  /** The program; promtool comes with it. */
  readonly prometheus: string | null;
  /** The program. */
  readonly redis: string | null;
  /** The program. */
  readonly ssh: string | null;
  /** Folder with `kube-apiserver` and `etcd`, or a kubeconfig. */
  readonly kubernetes: string | null;
}

function runs(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    return false;
  }
}

function onPath(...names: readonly string[]): string | null {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/usr/local/bin"];
  for (const name of names) {
    const folder = folders.find((candidate) => candidate !== "" && runs(join(candidate, name)));
    if (folder !== undefined) return join(folder, name);
  }
  return null;
}

async function findPostgres(): Promise<string | null> {
  const packaged = "/usr/lib/postgresql";
  const versions = existsSync(packaged) ? readdirSync(packaged) : [];
  const folders = versions
    .sort((left, right) => Number(right) - Number(left))
    .map((version) => join(packaged, version, "bin"));
  const pgConfig = onPath("pg_config");
  if (pgConfig !== null) folders.push((await runCommand([pgConfig, "--bindir"])).stdout.trim());
  return folders.find((folder) => runs(join(folder, "initdb")) && runs(join(folder, "postgres"))) ?? null;
}

/** As test/support/kube-control-plane.ts finds it: a kubeconfig given on purpose, or binaries with their scripts. */
function findKubernetes(): string | null {
  const {
    KUBECONFIG_FOR_TESTS: given,
    KUBEBUILDER_ASSETS: assets,
    KUBE_UP: up,
    KUBE_DOWN: down,
  } = process.env;
  if (given) return given;
  if (!assets || !up || !down) return null;
  return runs(join(assets, "kube-apiserver")) && runs(join(assets, "etcd")) && runs(up) && runs(down)
    ? assets
    : null;
}

export async function inspectMachine(): Promise<Machine> {
  return {
    postgres: await findPostgres(),
    alertmanager: onPath("prometheus-alertmanager", "alertmanager"),
    prometheus: onPath("promtool") === null ? null : onPath("prometheus"),
    redis: onPath("redis-server"),
    ssh: onPath("sshd"),
    kubernetes: findKubernetes(),
  };
}

export const howToGet: Readonly<Record<Server, string>> = {
  postgres: "PostgreSQL 13 or later: apt-get install -y postgresql",
  alertmanager: "Alertmanager: apt-get install -y prometheus-alertmanager",
  prometheus: "Prometheus with promtool: apt-get install -y prometheus",
  redis: "Redis: apt-get install -y redis-server",
  ssh: "an SSH server: apt-get install -y openssh-server",
  kubernetes:
    "a Kubernetes control plane: set KUBEBUILDER_ASSETS to a folder with etcd and kube-apiserver, " +
    "KUBE_UP and KUBE_DOWN to the programs that start and stop one",
};

export function missingServers(machine: Machine): Server[] {
  return (["postgres", "alertmanager", "prometheus", "redis", "ssh", "kubernetes"] as const).filter(
    (server) => machine[server] === null,
  );
}

const debianPackages: Partial<Record<Server, string>> = {
  postgres: "postgresql",
  alertmanager: "prometheus-alertmanager",
  prometheus: "prometheus",
  redis: "redis-server",
  ssh: "openssh-server",
};

/** Whether `installPackages` can do something here: Debian's apt, as root. */
export function canInstall(): boolean {
  return process.getuid?.() === 0 && onPath("apt-get") !== null;
}

const installLimitSeconds = 600;

/** apt-get once more while another process holds a lock or a mirror is slow, until the deadline. */
async function aptGet(parameters: readonly string[], deadline: number): Promise<string | null> {
  for (;;) {
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    const options = ["-qq", "-o", "DPkg::Lock::Timeout=120", "-o", "Acquire::Retries=3"];
    const result = await runCommand(["apt-get", ...options, ...parameters], { env, limitSeconds: 300 });
    if (result.code === 0) return null;
    if (Date.now() > deadline) return result.stderr.trim();
    console.log(`apt-get ${parameters[0]} failed, trying again: ${result.stderr.trim().split("\n").at(-1)}`);
    await sleep(5_000);
  }
}

/**
 * Installs the packages of the missing servers without starting their services: the suites start their own on free
 * ports. Returns what went wrong, or null.
 */
export async function installPackages(missing: readonly Server[]): Promise<string | null> {
  const packages = missing.map((server) => debianPackages[server]).filter((name) => name !== undefined);
  if (packages.length === 0) return null;
  console.log(`installing ${packages.join(", ")}`);
  const policy = "/usr/sbin/policy-rc.d";
  const ours = !existsSync(policy);
  if (ours) writeFileSync(policy, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  try {
    const deadline = Date.now() + installLimitSeconds * 1_000;
    const trouble = await aptGet(["update"], deadline);
    return trouble ?? (await aptGet(["install", "-y", "--no-install-recommends", ...packages], deadline));
  } finally {
    if (ours) rmSync(policy);
  }
}
