// What gitmend has seen of RoleBindings. Types only.
import type { BindingContent, KnownBinding } from "../actions/bindings.ts";

export interface BindingStore {
  /**
   * These stand in the namespace now. One whose rights or accounts are not what they were, or that nobody has seen for an hour, is a
   * new one. What was not seen for a week is forgotten.
   */
  saw(cluster: string, namespace: string, bindings: readonly BindingContent[]): Promise<void>;
  /** @param settledSeconds how long it must have stood unchanged to count as settled */
  known(cluster: string, namespace: string, settledSeconds: number): Promise<readonly KnownBinding[]>;
}
