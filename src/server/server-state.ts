// What the server asks of the running process beside the stores. app.ts implements it.
import type { Finding } from "../domain/finding.ts";
import type { Mode } from "../domain/gate/gate.ts";

export interface Readiness {
  /** The database answered just now. */
  readonly database: boolean;
  /** One fully valid revision is in use. */
  readonly catalog: boolean;
}

export interface CatalogStatus {
  /** `main@sha1:<40 hex>`; null: no valid revision has been seen yet. */
  readonly revision: string | null;
  readonly templates: number;
  readonly rules: number;
  /** Of the last commit that was looked at, which is not the one in use when there are errors among them. */
  readonly findings: readonly Finding[];
  /** Why the config repository cannot be read now; null: it can. */
  readonly problem: string | null;
}

export interface ServerState {
  /** From the first SIGTERM on: webhooks are sent to another replica with 503. */
  draining(): boolean;
  ready(): Promise<Readiness>;
  catalog(): CatalogStatus;
  /** Live when the configuration allows anything to be changed anywhere. */
  mode(): Mode;
}
