// The interface of an action and of the tools it is handed. An action is one file plus one line in registry.ts.
// Every effect on the world goes through these tools; a reader finds them all here and in controller/ports.ts.
import type { KubernetesObject, ObjectRef } from "../domain/facts/objects.ts";
import type { Json, JsonObject } from "../domain/json.ts";
import type { ManifestFile } from "../domain/planning/edit-value.ts";
import type { BranchEffect, Effect, FieldChange, HttpCall } from "../domain/planning/effect.ts";
import type { MappedValue } from "../domain/planning/mapped-values.ts";
import type { ActionDescription } from "../domain/templates/action-description.ts";
import type { KnownBinding } from "./bindings.ts";

export type JsonPatchOperation =
  | { readonly op: "add" | "replace"; readonly path: string; readonly value: Json }
  | { readonly op: "remove"; readonly path: string };

/**
 * The Kubernetes API of one cluster, bound to one attempt's abort signal. All calls throw Problem:
 * API_CONFLICT (409), API_INVALID (400, 422), API_FORBIDDEN (401, 403), API_NOT_FOUND (404, 405), API_THROTTLED (429,
 * `details.retryAfterSeconds`), API_UNREACHABLE (never sent) mean that nothing was applied;
 * API_OUTCOME_UNKNOWN (timeout, reset, abort, any 5xx) means that a change may have been applied.
 */
export interface ClusterApi {
  /** null when there is no such object. */
  get(ref: ObjectRef): Promise<KubernetesObject | null>;
  list(query: {
    readonly apiVersion: string;
    readonly kind: string;
    readonly namespace: string | null;
    readonly labelSelector?: string;
    readonly fieldSelector?: string;
    /** Ends the reading after the page that reaches it: what is returned may be more, and is not all then. */
    readonly enough?: number;
  }): Promise<readonly KubernetesObject[]>;
  /** At most `limitBytes` of the newest `tailLines` lines. */
  logs(query: {
    readonly namespace: string;
    readonly pod: string;
    readonly container: string | null;
    readonly previous: boolean;
    readonly tailLines: number;
    readonly limitBytes: number;
  }): Promise<string>;
  /** JSON patch with fieldManager gitmend; the operations carry resourceVersion. Returns the object as it is (or would be) after. */
  patch(
    ref: ObjectRef,
    operations: readonly JsonPatchOperation[],
    options: { readonly dryRun: boolean },
  ): Promise<KubernetesObject>;
  /** API_CONFLICT: there is one of that name already. Returns the object as it is (or would be). */
  create(
    ref: ObjectRef,
    manifest: JsonObject,
    options: { readonly dryRun: boolean },
  ): Promise<KubernetesObject>;
  /** Delete with uid and resourceVersion as preconditions. */
  remove(
    ref: ObjectRef,
    options: {
      readonly uid: string;
      readonly resourceVersion: string;
      readonly gracePeriodSeconds: number | null;
      readonly dryRun: boolean;
    },
  ): Promise<void>;
  /**
   * Evicts the pod of this uid, as disruption budgets allow. API_THROTTLED with `details.causes` naming `DisruptionBudget`: one
   * forbids it now. API_CONFLICT: a pod of that name is another one. API_NOT_FOUND: it is gone.
   */
  evict(
    pod: ObjectRef,
    options: {
      readonly uid: string;
      readonly gracePeriodSeconds: number | null;
      readonly dryRun: boolean;
    },
  ): Promise<void>;
  /** A Kubernetes Event on `about`, shown by `kubectl describe`. `name` makes it idempotent: an existing one is left alone. */
  event(
    about: ObjectRef & { readonly uid: string },
    event: {
      readonly name: string;
      readonly type: "Normal" | "Warning";
      /** CamelCase. */
      readonly reason: string;
      readonly message: string;
    },
  ): Promise<void>;
}

export interface MetricSample {
  readonly labels: Readonly<Record<string, string>>;
  /** NaN and the infinities are possible. */
  readonly value: number;
}

export interface SavedEvidence {
  readonly name: string;
  readonly sha256: string;
  readonly bytes: number;
}

export interface HttpAnswer {
  readonly status: number;
  /** null: there is none. */
  readonly body: Json;
}

/**
 * The repositories of `sources` in gitmend.yaml, and no others. Each is reached at the address that stands there, with its own credential.
 * All calls throw Problem: SOURCE_NOT_ALLOWED, GIT_REFUSED (final), GIT_UNREACHABLE (again later).
 */
/** Where the commit that broke something is looked for. */
export interface RevertFolder {
  /** Without slashes around it; "": the whole repository. */
  readonly path: string;
  /** ISO 8601, both: when it was committed. */
  readonly since: string;
  readonly before: string;
}

export interface RevertableCommit {
  readonly sha: string;
  readonly subject: string;
  /** `from`: at the head of the branch; `to`: without the commit. */
  readonly files: readonly { readonly path: string; readonly from: string; readonly to: string }[];
}

export interface Sources {
  /** The YAML files below a folder of a branch's head, and others that they or the map name. */
  read(folder: {
    readonly repository: string;
    /** null: the repository's own default. */
    readonly branch: string | null;
    readonly path: string;
    /** Of the object whose manifest is looked for. */
    readonly namespace: string | null;
    /** Files that those read until now name; asked again until it names no new one. What is not there is left out. */
    readonly also: (files: readonly ManifestFile[]) => readonly string[];
  }): Promise<{
    /** As `sources` spells it. */
    readonly repository: string;
    readonly branch: string;
    readonly commit: string;
    readonly files: readonly ManifestFile[];
    /** `values` of the source for this folder; their files are among `files`. */
    readonly values: readonly MappedValue[];
  }>;
  /** The newest commit that touched the folder, and its files without it. @throws Problem PRECONDITION_FAILED: none, or only people can */
  offending(
    folder: RevertFolder & {
      readonly repository: string;
      readonly branch: string | null;
      readonly namespace: string | null;
    },
  ): Promise<{
    readonly repository: string;
    readonly branch: string;
    readonly commit: string;
    readonly offending: RevertableCommit;
  }>;
  /** Pushes the branch. It is there already: nothing happens. @throws Problem GIT_NOT_FAST_FORWARD: somebody's branch of that name */
  propose(effect: BranchEffect, key: string): Promise<void>;
  /** Asks people to merge what was pushed, where its forge is known; idempotent. @throws Problem FORGE_UNAVAILABLE, FORGE_REFUSED */
  ask(effect: BranchEffect, key: string): Promise<"asked" | "closed">;
  /** `merged`: also by squash or rebase. `absent`: neither the branch nor a merge of it. */
  look(effect: BranchEffect, key: string): Promise<"absent" | "proposed" | "merged">;
}

export interface ActionTools {
  cluster(name: string): ClusterApi;
  /** @throws Problem CHANNEL_UNKNOWN, NOTIFICATION_REFUSED (not applied) or API_OUTCOME_UNKNOWN. */
  notify(
    channel: string | null,
    message: { readonly title: string; readonly text: string; readonly severity: string },
    key: string,
  ): Promise<{ readonly channel: string }>;
  /**
   * One request to an endpoint of gitmend.yaml, with its credential. `key`: sent as Idempotency-Key. Answers 2xx; 404 and 410 too
   * when something is only asked for. @throws Problem ENDPOINT_UNKNOWN, and API_* as ClusterApi's calls do
   */
  http(call: HttpCall, key: string | null): Promise<HttpAnswer>;
  /**
   * An instant query to the Prometheus that has this cluster's metrics; a scalar is one sample without labels.
   * @throws Problem METRICS_UNAVAILABLE (none is configured, or it does not answer), METRICS_INVALID (it refused the query)
   */
  query(cluster: string, promql: string): Promise<readonly MetricSample[]>;
  readonly sources: Sources;
  /** RoleBindings of a namespace as gitmend has seen them lately, whether or not they are there now. */
  knownBindings(cluster: string, namespace: string): Promise<readonly KnownBinding[]>;
  /** Keeps a text outside Git, redacted; the record holds hash and size. */
  saveEvidence(name: string, text: string): Promise<SavedEvidence>;
  /** ISO 8601, UTC, by the database's clock. */
  now(): string;
  /** Rejects as soon as the attempt is aborted. */
  sleep(seconds: number): Promise<void>;
  readonly signal: AbortSignal;
}

/** What every action knows about the execution it runs in. */
export interface ActionContext {
  readonly executionId: string;
  readonly step: string;
  /** `executionId/step`: names created objects, Idempotency-Key of external calls, annotation `gitmend.dev/effect`. */
  readonly effectKey: string;
  readonly cluster: string;
  readonly target: (ObjectRef & { readonly uid: string }) | null;
}

/** Input that has passed the action's schema, defaults filled in. */
export type ActionInput = Readonly<Record<string, Json>>;

interface ActionBase extends ActionDescription {
  /** Objects that it touches, from its input alone: guards, claims and protection judge these. */
  objects(input: ActionInput, context: Pick<ActionContext, "cluster" | "target">): readonly ObjectRef[];
  /** One line for people: what it will do. Pure. */
  preview(input: ActionInput): string;
  /**
   * When the plan is made: replaces relative and symbolic input by absolute input (`revision: last-good` -> 3,
   * `replicas: {add: 2}` -> 5). Left out by actions whose input is absolute already. Reads only.
   */
  resolve?(
    input: ActionInput,
    context: Pick<ActionContext, "cluster" | "target">,
    tools: ActionTools,
  ): Promise<ActionInput>;
}

/** Changes nothing: may be repeated on any failure. */
export interface ReadAction extends ActionBase {
  readonly changes: false;
  run(input: ActionInput, context: ActionContext, tools: ActionTools): Promise<JsonObject>;
}

/** Changes something, by exactly one effect. */
export interface ChangeAction extends ActionBase {
  readonly changes: true;
  /** Reads the object and says exactly what will be written. No effect. @throws Problem: nothing was applied. */
  prepare(input: ActionInput, context: ActionContext, tools: ActionTools): Promise<Effect>;
  /**
   * After the effect: waits where the action waits, and gives the output. `answer`: what a request was answered; null when a dead
   * owner made the effect, or its answer was lost.
   */
  settle(
    input: ActionInput,
    effect: Effect,
    context: ActionContext,
    tools: ActionTools,
    answer?: Json,
  ): Promise<JsonObject>;
}

export type Action = ReadAction | ChangeAction;

/** Makes, previews, finds and takes back effects: one implementation for all actions, src/actions/effects.ts. */
export interface EffectRunner {
  /** @returns what a request was answered; null for every other effect */
  apply(effect: Effect, context: ActionContext, tools: ActionTools): Promise<Json>;
  /** Server-side dry-run. Managed fields, status, resourceVersion and gitmend's own annotations are left out. */
  dryRun(effect: Effect, context: ActionContext, tools: ActionTools): Promise<readonly FieldChange[]>;
  /** Looks at the state asked for first, at the annotation second. `unknown`: ask again later. */
  didItHappen(effect: Effect, context: ActionContext, tools: ActionTools): Promise<"yes" | "no" | "unknown">;
  /**
   * The effect that writes the old values back where what gitmend wrote still stands, conditional on the object as it is now;
   * null when they are all back already. Fields that somebody has changed since are left out of it.
   * Of what was created or called: the effect that ends it while it runs; null when it does not.
   * @throws Problem FIELD_CHANGED_SINCE (details: field, found, expected, manager of the first, `fields` of all): nothing else is
   * left to take back. TARGET_GONE.
   */
  prepareRestore(effect: Effect, context: ActionContext, tools: ActionTools): Promise<Effect | null>;
}
