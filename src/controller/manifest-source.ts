// Where in Git the manifests of a Kustomization, a HelmRelease or an Application come from, as their own fields say.
// Whoever may write these objects decides what stands there: what cannot be one folder of one Git repository gives no source.
import type { KubernetesObject, ManifestSource } from "../domain/facts/objects.ts";
import { isObject } from "../domain/json.ts";

const longestText = 1_000;

/** The GitRepository that `spec.sourceRef` names, without which nothing is known. */
export interface SourceRef {
  readonly apiVersion: string;
  readonly namespace: string;
  readonly name: string;
}

const servedVersion = "source.toolkit.fluxcd.io/v1";

/** null: it is made from something else (an OCI artifact, a bucket, a Helm repository). */
export function gitRepositoryOf({ kind, spec, metadata }: KubernetesObject): SourceRef | null {
  const chart = isObject(spec?.["chart"]) && isObject(spec["chart"].spec) ? spec["chart"].spec : {};
  const ref = kind === "HelmRelease" ? chart.sourceRef : spec?.["sourceRef"];
  if (!isObject(ref) || ref.kind !== "GitRepository" || typeof ref.name !== "string") return null;
  const namespace = typeof ref.namespace === "string" ? ref.namespace : (metadata.namespace ?? "");
  const given = typeof ref.apiVersion === "string" ? ref.apiVersion : servedVersion;
  const apiVersion = given.startsWith("source.toolkit.fluxcd.io/") ? given : servedVersion;
  return { apiVersion, namespace, name: ref.name };
}

/** @param owner the Kustomization or HelmRelease */
export function fluxSource(owner: KubernetesObject, repository: KubernetesObject): ManifestSource | null {
  const { spec = {}, status = {} } = repository;
  const ref = isObject(spec["ref"]) ? spec["ref"] : {};
  const follows = [ref.commit, ref.name, ref.semver, ref.tag, ref.branch].find((one) => textOf(one) !== null);
  const chart = owner.spec?.["chart"];
  const path =
    owner.kind === "HelmRelease"
      ? isObject(chart) && isObject(chart.spec)
        ? chart.spec.chart
        : null
      : (owner.spec?.["path"] ?? "");
  const artifact = isObject(status["artifact"]) ? status["artifact"].revision : null;
  return sourceOf({
    url: spec["url"],
    // What Flux takes when nothing is said.
    follows: follows ?? "master",
    revision: owner.status?.["lastAppliedRevision"] ?? artifact,
    path,
  });
}

export function argoSource({ spec = {}, status = {} }: KubernetesObject): ManifestSource | null {
  const hydrator = spec["sourceHydrator"];
  const several = Array.isArray(spec["sources"]) && spec["sources"].length > 0 ? spec["sources"] : null;
  const dry = isObject(hydrator) ? hydrator.drySource : undefined;
  const sources = (dry !== undefined ? [dry] : (several ?? [spec["source"]])) as readonly unknown[];
  const inGit = sources.flatMap((source, index) =>
    isObject(source) && textOf(source.chart) === null ? [{ source, index }] : [],
  );
  const [only] = inGit;
  if (only === undefined || inGit.length > 1) return null;
  const sync = isObject(status["sync"]) ? status["sync"] : {};
  const revisions = Array.isArray(sync.revisions) ? (sync.revisions as readonly unknown[]) : [];
  const { repoURL, targetRevision, path } = only.source;
  const follows = targetRevision === "HEAD" ? null : targetRevision;
  // What was synced of a hydrated branch is a commit of another one.
  const revision = dry === undefined ? (several === null ? sync.revision : revisions[only.index]) : null;
  return sourceOf({ url: repoURL, follows, revision, path: path ?? "" });
}

function sourceOf(found: Readonly<Record<keyof ManifestSource, unknown>>): ManifestSource | null {
  const url = urlOf(found.url);
  const path = pathOf(found.path);
  if (url === null || path === null) return null;
  return { url, follows: textOf(found.follows), revision: commitOf(found.revision), path };
}

/** Without what logs somebody in: it goes into records. */
function urlOf(value: unknown): string | null {
  const text = textOf(value);
  if (text === null || !URL.canParse(text)) return text === null || !isScp(text) ? null : text;
  const url = new URL(text);
  if (!["https:", "http:", "ssh:"].includes(url.protocol) || url.hostname === "") return null;
  url.password = "";
  if (url.protocol !== "ssh:") url.username = "";
  return url.href;
}

/** `git@host:team/repo.git`. */
function isScp(text: string): boolean {
  return /^[\w.-]+@[\w.-]+:[^:@\s]+$/.test(text);
}

/** `main@sha1:5394…`, `sha1:5394…`, `main/5394…`, `5394…`. */
function commitOf(value: unknown): string | null {
  const text = textOf(value);
  return (text === null ? null : /(?:^|[:/])([0-9a-f]{40}|[0-9a-f]{64})$/.exec(text)?.[1]) ?? null;
}

function pathOf(value: unknown): string | null {
  if (value === "") return "";
  const parts = textOf(value)
    ?.split("/")
    .filter((part) => part !== "" && part !== ".");
  return parts === undefined || parts.includes("..") ? null : parts.join("/");
}

function textOf(value: unknown): string | null {
  if (typeof value !== "string" || value === "" || value.length > longestText) return null;
  // oxlint-disable-next-line no-control-regex -- an address with a line break is no address
  return /[\u0000-\u001f\u007f\s\\]/.test(value) ? null : value;
}
