// A real API server for tests, and a client for it that shares nothing with the adapter under test.
// Found through the environment only; without it tests fall back to the simulated cluster.
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { parse } from "yaml";

const run = promisify(execFile);

export const howToGetOne =
  "no real API server: set KUBECONFIG_FOR_TESTS to a cluster's kubeconfig, or KUBEBUILDER_ASSETS to a folder with etcd, " +
  "kube-apiserver, kube-controller-manager and kube-scheduler, KUBE_UP to a script that starts them (state folder in " +
  "KUBE_STATE, binaries in KUBE_BIN, the kubeconfig's path as its last line) and KUBE_DOWN to one that ends them";

export interface ControlPlane {
  readonly kubeconfigPath: string;
  stop(): Promise<void>;
}

/** Whether the environment names one. @throws Error when it names only half of one: a quiet fallback would hide that. */
export function hasControlPlane(env: NodeJS.ProcessEnv = process.env): boolean {
  if (env.KUBECONFIG_FOR_TESTS) return true;
  if (!env.KUBEBUILDER_ASSETS) return false;
  if (env.KUBE_UP && env.KUBE_DOWN) return true;
  throw new Error(`KUBEBUILDER_ASSETS is set without KUBE_UP and KUBE_DOWN; ${howToGetOne}`);
}

/** Starts one (about 15 s) or takes the given one, which is left running. */
export async function startControlPlane(env: NodeJS.ProcessEnv = process.env): Promise<ControlPlane> {
  if (!hasControlPlane(env)) throw new Error(howToGetOne);
  if (env.KUBECONFIG_FOR_TESTS) {
    return { kubeconfigPath: env.KUBECONFIG_FOR_TESTS, stop: () => Promise.resolve() };
  }
  const folder = await mkdtemp(join(tmpdir(), "gitmend-kube-"));
  const state = join(folder, "state");
  const scriptEnv = { ...env, KUBE_BIN: env.KUBEBUILDER_ASSETS, KUBE_STATE: state };
  const stop = async () => {
    await run(env.KUBE_DOWN!, [], { env: scriptEnv });
    await rm(folder, { recursive: true, force: true });
  };
  try {
    // Through a file: the servers inherit the script's output, and a pipe would never end.
    await run("sh", ["-c", '"$KUBE_UP" > "$KUBE_STATE.out" 2> "$KUBE_STATE.err" < /dev/null'], {
      env: scriptEnv,
    });
  } catch (error) {
    const log = await readFile(`${state}.err`, "utf8").catch(() => "");
    await stop();
    throw new Error(`the control plane did not start: ${log.slice(-1000)}`, { cause: error });
  }
  const lines = (await readFile(`${state}.out`, "utf8")).trim().split("\n");
  return { kubeconfigPath: lines.at(-1)!, stop };
}

export interface RawAnswer {
  readonly code: number;
  readonly body: unknown;
}

/** One request as the cluster's admin. Answers of any status are returned. */
export type RawAdmin = (
  method: string,
  path: string,
  body?: object,
  contentType?: string,
) => Promise<RawAnswer>;

interface KubeconfigFile {
  readonly clusters: { cluster: { server: string; "certificate-authority-data"?: string } }[];
  readonly users: {
    user: { "client-certificate-data"?: string; "client-key-data"?: string; token?: string };
  }[];
}

/** For kubeconfigs with one cluster and one user, credentials inline. */
export function rawAdmin(kubeconfigText: string): RawAdmin {
  const { clusters, users } = parse(kubeconfigText) as KubeconfigFile;
  const { cluster } = clusters[0]!;
  const { user } = users[0]!;
  const decode = (text: string | undefined) => (text === undefined ? undefined : Buffer.from(text, "base64"));
  const tls = {
    ca: decode(cluster["certificate-authority-data"]),
    cert: decode(user["client-certificate-data"]),
    key: decode(user["client-key-data"]),
  };
  return (method, path, body, contentType = "application/json") =>
    new Promise((resolve, reject) => {
      const url = new URL(`${cluster.server}${path}`);
      const headers = {
        accept: "application/json",
        "user-agent": "test-admin/1.0",
        ...(user.token === undefined ? {} : { authorization: `Bearer ${user.token}` }),
        ...(body === undefined ? {} : { "content-type": contentType }),
      };
      const send = url.protocol === "https:" ? requestHttps : requestHttp;
      const request = send(
        url,
        { method, headers, ...(url.protocol === "https:" ? tls : {}) },
        (response) => {
          let text = "";
          response.setEncoding("utf8");
          response.on("data", (chunk: string) => (text += chunk));
          response.on("error", reject);
          response.on("end", () => resolve({ code: response.statusCode ?? 0, body: jsonOrText(text) }));
        },
      );
      request.on("error", reject);
      request.end(body === undefined ? undefined : JSON.stringify(body));
    });
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
