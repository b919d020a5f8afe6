// Helm's releases as Helm 3 keeps them: a Secret for each revision, in it the release as JSON, gzipped, in base64 within the base64
// of every Secret. Only what says which revision it is goes further; values and manifests hold secrets and stay here.
import { gunzipSync } from "node:zlib";
import { parseAllDocuments } from "yaml";
import type { KubernetesObject, ObjectRef } from "../../domain/facts/objects.ts";
import { isObject, type JsonObject } from "../../domain/json.ts";
import { Problem } from "../../domain/problem.ts";
import type { ActionTools } from "../action.ts";
import { asText, shown } from "../engines/new-run.ts";

/** A Secret holds a mebibyte; what unpacks to more than this is no release. */
const mostBytes = 32 * 1024 * 1024;

export interface HelmRevision {
  readonly revision: number;
  /** `deployed`, `superseded`, `failed`, `pending-upgrade`, … */
  readonly status: string;
  readonly secret: KubernetesObject;
}

/** Oldest first. @throws Problem API_* */
export async function readRevisions(
  {
    cluster,
    namespace,
    release,
  }: { readonly cluster: string; readonly namespace: string; readonly release: string },
  tools: ActionTools,
): Promise<readonly HelmRevision[]> {
  const secrets = await tools.cluster(cluster).list({
    apiVersion: "v1",
    kind: "Secret",
    namespace,
    labelSelector: `owner=helm,name=${release}`,
  });
  return secrets
    .filter((secret) => secret["type"] === "helm.sh/release.v1")
    .map((secret) => {
      const { version = "", status = "" } = secret.metadata.labels ?? {};
      return { revision: Number(version), status, secret };
    })
    .filter(({ revision }) => Number.isSafeInteger(revision) && revision > 0)
    .toSorted((one, other) => one.revision - other.revision);
}

/** @throws Problem PRECONDITION_FAILED: it is no release */
export function unpack({ secret }: HelmRevision): JsonObject {
  const data = isObject(secret["data"]) ? secret["data"].release : undefined;
  try {
    const inner = Buffer.from(asText(data), "base64").toString("latin1");
    const packed = Buffer.from(inner, "base64");
    const release: unknown = JSON.parse(gunzipSync(packed, { maxOutputLength: mostBytes }).toString("utf8"));
    if (isObject(release)) return release;
  } catch {
    // What it holds may be secret: the error would show it.
  }
  throw new Problem("PRECONDITION_FAILED", `Secret ${secret.metadata.name} holds no release of Helm 3`);
}

/** `api-1.2.3`. */
export function chartOf({ chart }: JsonObject): string {
  const metadata = isObject(chart) && isObject(chart.metadata) ? chart.metadata : {};
  return shown(`${asText(metadata.name ?? "?")}-${asText(metadata.version ?? "?")}`, 100);
}

/** Whether the release has made this object, as its own manifest says. */
export function makes(release: JsonObject, namespace: string, object: ObjectRef): boolean {
  return documentsIn(asText(release.manifest ?? "")).some((one) => {
    if (!isObject(one) || !isObject(one.metadata)) return false;
    const { name, namespace: own = namespace } = one.metadata;
    return (
      one.apiVersion === object.apiVersion &&
      one.kind === object.kind &&
      name === object.name &&
      (object.namespace === null || own === object.namespace)
    );
  });
}

/** What cannot be read lists nothing. */
function documentsIn(manifest: string): readonly unknown[] {
  try {
    const documents = parseAllDocuments(manifest, { logLevel: "silent" });
    return documents.map((document) => document.toJS({ maxAliasCount: 100 }) as unknown);
  } catch {
    return [];
  }
}

/** The HelmRelease of Flux that keeps this release; null: none does, or there is no Flux. @throws Problem API_* */
export async function fluxOwner(
  {
    cluster,
    namespace,
    release,
  }: { readonly cluster: string; readonly namespace: string; readonly release: string },
  tools: ActionTools,
): Promise<string | null> {
  const query = { apiVersion: "helm.toolkit.fluxcd.io/v2", kind: "HelmRelease", namespace: null };
  const all = await tools
    .cluster(cluster)
    .list(query)
    .catch((error: unknown) => {
      if (error instanceof Problem && error.code === "API_NOT_FOUND") return [];
      throw error;
    });
  const owner = all.find(({ metadata, spec = {} }) => {
    const { releaseName, targetNamespace, storageNamespace } = spec;
    const made =
      targetNamespace === undefined ? metadata.name : `${asText(targetNamespace as string)}-${metadata.name}`;
    return (releaseName ?? made) === release && (storageNamespace ?? metadata.namespace) === namespace;
  });
  return owner === undefined ? null : `${owner.metadata.namespace ?? ""}/${owner.metadata.name}`;
}
