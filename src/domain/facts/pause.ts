// A pause as everything that asks about it sees it, wherever it was said: by a command, in `pause.yaml`, by an annotation.
// Types only.

export type PauseScope =
  /** Of one cluster; null: of all. */
  | { readonly kind: "everything"; readonly cluster: string | null }
  | { readonly kind: "namespace"; readonly cluster: string | null; readonly namespace: string }
  | { readonly kind: "execution"; readonly execution: string }
  /** By an annotation of the target. */
  | { readonly kind: "object"; readonly object: string };

export interface Pause {
  readonly scope: PauseScope;
  /** A person, `pause.yaml:3`, or where the annotation stands. */
  readonly by: string;
  readonly reason: string;
  /** ISO 8601, UTC; null: until somebody resumes. */
  readonly until: string | null;
  readonly source: "command" | "file" | "annotation";
}
