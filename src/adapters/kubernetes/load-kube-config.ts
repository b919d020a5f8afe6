// Where a cluster is and how to log in there: a kubeconfig by path or text, or the pod's own service account.
// Mends what client-node 2 gets wrong: a new TLS connection for every call, and silently dropped impersonation groups.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { KubeConfig, type RequestContext } from "@kubernetes/client-node";
import { parse } from "yaml";
import { isObject } from "../../domain/json.ts";
import { Problem } from "../../domain/problem.ts";

export interface ClusterAddress {
  /** The configured name, as it stands in every ObjectRef. */
  readonly name: string;
  /** Exactly one of these four. */
  readonly kubeConfig?: KubeConfig;
  readonly kubeconfigPath?: string;
  readonly kubeconfigText?: string;
  readonly inCluster?: boolean;
  /** Default: the kubeconfig's current context. */
  readonly context?: string | null;
}

/** @throws Problem CONFIG_INVALID. Messages never quote the file: it holds credentials. */
export function loadKubeConfig(address: ClusterAddress): KubeConfig {
  const kubeConfig = address.kubeConfig ?? readKubeConfig(address);
  const { context } = address;
  if (context !== undefined && context !== null) {
    if (kubeConfig.getContextObject(context) === null) throw invalid(address, `has no context "${context}"`);
    kubeConfig.setCurrentContext(context);
  }
  const cluster = kubeConfig.getCurrentCluster();
  if (!cluster?.server) throw invalid(address, "has no current context with a cluster");
  if (!/^https?:\/\//.test(cluster.server))
    throw invalid(address, "names a server without http:// or https://");
  return kubeConfig;
}

function invalid({ name, kubeconfigPath }: ClusterAddress, why: string): Problem {
  const where = kubeconfigPath === undefined ? "the kubeconfig" : kubeconfigPath;
  return new Problem("CONFIG_INVALID", `cluster ${name}: ${where} ${why}`);
}

function readKubeConfig(address: ClusterAddress): KubeConfig {
  const kubeConfig = new KubeConfig();
  if (address.inCluster === true) {
    if (!process.env.KUBERNETES_SERVICE_HOST) throw invalid(address, "is the pod's own, and this is no pod");
    kubeConfig.loadFromCluster();
    return kubeConfig;
  }
  const text = address.kubeconfigText ?? readText(address);
  try {
    kubeConfig.loadFromString(text);
  } catch {
    throw invalid(address, "is no kubeconfig");
  }
  if (address.kubeconfigPath !== undefined) kubeConfig.makePathsAbsolute(dirname(address.kubeconfigPath));
  refuseDroppedImpersonation(address, text);
  return kubeConfig;
}

function readText(address: ClusterAddress): string {
  if (address.kubeconfigPath === undefined) throw invalid(address, "is not given");
  try {
    return readFileSync(address.kubeconfigPath, "utf8");
  } catch (error) {
    throw invalid(address, `cannot be read (${(error as NodeJS.ErrnoException).code ?? "unknown"})`);
  }
}

/** client-node sends `as` but not these: acting with other rights than configured is refused. */
const dropped = ["as-groups", "as-uid", "as-user-extra"];

function refuseDroppedImpersonation(address: ClusterAddress, text: string): void {
  const document: unknown = parse(text);
  const users = isObject(document) && Array.isArray(document.users) ? (document.users as unknown[]) : [];
  for (const entry of users) {
    const user = isObject(entry) && isObject(entry.user) ? entry.user : {};
    const found = dropped.find((key) => user[key] !== undefined);
    if (found !== undefined) throw invalid(address, `uses ${found}, which is not supported`);
  }
}

type Dispatcher = NonNullable<ReturnType<RequestContext["getDispatcher"]>>;
type CreateDispatcher = (cluster: unknown, tls: Readonly<Record<string, unknown>>) => Dispatcher | undefined;

/**
 * Makes client-node use one dispatcher, and so its connections, for all calls with the same credentials. When they
 * rotate, the old one is closed once its requests have ended. Returns how to close the present one.
 */
export function keepConnections(kubeConfig: KubeConfig): () => Promise<void> {
  // createDispatcher is private in the types; a test counts connections, so that a library that renames it is noticed.
  const create = Reflect.get(kubeConfig, "createDispatcher") as CreateDispatcher;
  let kept: { readonly key: string; readonly dispatcher: Dispatcher | undefined } | null = null;
  const closeKept = async () => {
    const { dispatcher } = kept ?? {};
    kept = null;
    await dispatcher?.close();
  };
  const cached: CreateDispatcher = (cluster, tls) => {
    const key = credentialsKey(kubeConfig, tls);
    if (kept?.key !== key) {
      closeKept().catch(() => undefined);
      kept = { key, dispatcher: create.call(kubeConfig, cluster, tls) };
    }
    return kept.dispatcher;
  };
  Reflect.set(kubeConfig, "createDispatcher", cached);
  return closeKept;
}

function credentialsKey(kubeConfig: KubeConfig, tls: Readonly<Record<string, unknown>>): string {
  const { ca, cert, key, servername, rejectUnauthorized } = tls;
  const parts = [kubeConfig.getCurrentCluster()?.server, kubeConfig.getCurrentUser()?.name];
  const all = [...parts, ca, cert, key, servername, rejectUnauthorized];
  // Certificates and keys are Buffers; JSON writes their bytes.
  return createHash("sha256").update(JSON.stringify(all)).digest("hex");
}
