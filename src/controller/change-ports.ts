// Proposed changes of the config repository: the pull requests of people, where they are told what gitmend makes of them.
import type { ChangeNote } from "../domain/gate/change-note.ts";

export interface ProposedChange {
  readonly number: number;
  /** 40 hex: of a fork too. */
  readonly head: string;
}

export interface ChangeForge {
  /** Open ones into this branch, at most `limit`, the newest first. This and the other: @throws Problem FORGE_* */
  changes(branch: string, limit: number): Promise<readonly ProposedChange[]>;
  /** The status `gitmend/validate` on the head, and one comment that is changed in place. Idempotent. */
  note(change: ProposedChange, note: ChangeNote): Promise<void>;
}
