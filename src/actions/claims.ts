// Claims of a StatefulSet: which are its own, and which of them may be made anew. A claim goes only when nothing can hang on it: it
// never bound, its class is not there, no volume is or was meant for it, and its template would make another one. Pure.
import type { KubernetesObject } from "../domain/facts/objects.ts";
import { isObject, type JsonObject } from "../domain/json.ts";

export type ClaimOwner = Pick<KubernetesObject, "metadata" | "spec">;

export interface Storage {
  readonly classes: readonly KubernetesObject[];
  readonly volumes: readonly KubernetesObject[];
}

/** Who binds a claim leaves one of these while it works on it, and when it is done. */
const bindingMarks = ["pv.kubernetes.io/bind-completed", "volume.kubernetes.io/selected-node"];
const defaultClassMark = "storageclass.kubernetes.io/is-default-class";

/** Those that its pods use, by name: a claim has no owner. */
export function claimsOf(
  owner: ClaimOwner,
  claims: readonly KubernetesObject[],
): readonly KubernetesObject[] {
  return claims.filter((claim) => templateOf(owner, claim) !== null);
}

/** The template that the StatefulSet would make it from; null: it is none of its claims. */
export function templateOf(
  { metadata, spec = {} }: ClaimOwner,
  { metadata: { name, namespace } }: KubernetesObject,
): JsonObject | null {
  if (namespace !== metadata.namespace) return null;
  const found = templatesIn(spec).find(({ name: volume }) => {
    const prefix = `${volume}-${metadata.name}-`;
    const number = name.startsWith(prefix) ? name.slice(prefix.length) : "";
    return /^(0|[1-9]\d{0,9})$/.test(number) && isWanted(Number(number), spec);
  });
  return found?.spec ?? null;
}

function templatesIn(spec: KubernetesObject["spec"] & object) {
  const templates = spec["volumeClaimTemplates"];
  const all: readonly unknown[] = Array.isArray(templates) ? templates : [];
  return all.filter(isObject).flatMap(({ metadata, spec: claim }) => {
    const name = isObject(metadata) ? metadata.name : null;
    return typeof name === "string" && isObject(claim) ? [{ name, spec: claim }] : [];
  });
}

/** A claim of a pod that is scaled away is made anew by nobody. */
function isWanted(number: number, { replicas = 1, ordinals }: KubernetesObject["spec"] & object): boolean {
  const start = isObject(ordinals) ? Number(ordinals.start ?? 0) : 0;
  return number >= start && number < start + Number(replicas);
}

/** For people; null: it may be deleted. */
export function whyKept(claim: KubernetesObject, owner: ClaimOwner, storage: Storage): string | null {
  const template = templateOf(owner, claim);
  if (template === null) return "the StatefulSet would not make it anew";
  return whyInUse(claim) ?? whyMayBind(claim, storage) ?? whyNoBetter(template, storage);
}

function whyInUse({ metadata, spec = {}, status = {} }: KubernetesObject): string | null {
  if (metadata.deletionTimestamp !== undefined) return "it is being deleted already";
  const volume = spec["volumeName"];
  if (typeof volume === "string" && volume !== "") return `it is bound to volume ${volume}`;
  const mark = bindingMarks.find((name) => metadata.annotations?.[name] !== undefined);
  if (mark !== undefined) return `it is being bound, or was: ${mark}`;
  return status["phase"] === "Pending" ? null : `it is ${JSON.stringify(status["phase"] ?? "new")}`;
}

function whyMayBind({ metadata, spec = {} }: KubernetesObject, { classes, volumes }: Storage): string | null {
  const name = spec["storageClassName"];
  if (typeof name !== "string" || name === "") return "it names no class, and waits for a volume";
  if (classes.some((one) => one.metadata.name === name))
    return `its class ${name} exists: it waits for something else`;
  const kept = volumes.find(({ spec: volume = {} }) => {
    const { claimRef } = volume;
    const named = isObject(claimRef) ? claimRef : {};
    return named.namespace === metadata.namespace && named.name === metadata.name;
  });
  if (kept !== undefined)
    return `volume ${kept.metadata.name} was bound to a claim of this name and may hold its data`;
  const fitting = volumes.find(({ spec: volume = {} }) => volume["storageClassName"] === name);
  return fitting === undefined
    ? null
    : `volume ${fitting.metadata.name} is of its class ${name}: they may bind`;
}

function whyNoBetter({ storageClassName: name }: JsonObject, { classes }: Storage): string | null {
  if (name === undefined || name === null) {
    const has = classes.some(({ metadata }) => metadata.annotations?.[defaultClassMark] === "true");
    return has ? null : "its template names no class, and there is no default one";
  }
  const exists = classes.some(({ metadata }) => metadata.name === name);
  return exists ? null : `its template names class ${JSON.stringify(name)}, which does not exist either`;
}
