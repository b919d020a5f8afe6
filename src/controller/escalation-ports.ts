// Executions that people have to look at or to decide about: who was told, and who has seen them.

export interface EscalationState {
  /** ISO 8601, UTC; null: nobody was told yet. */
  readonly toldAt: string | null;
  /** null: its own plan has told them, or nobody was told yet. */
  readonly channel: string | null;
  /** So often it was tried, and why the last attempt failed. */
  readonly attempts: number;
  readonly problem: string | null;
  /** The first person who said so. */
  readonly seen: { readonly at: string; readonly by: string; readonly reason: string } | null;
}

export interface DueEscalation {
  readonly executionId: string;
  /** Fences what came of it: a result under an older claim is stale. */
  readonly claim: number;
  /** Before this one. */
  readonly attempts: number;
}

/** Every method throws Problem DATABASE_UNAVAILABLE and may be repeated then. */
export interface Escalations {
  /** Up to `limit` that nobody was told of and nobody has seen (skip locked); nobody else gets them for `claimSeconds`. */
  takeDue(limit: number, claimSeconds: number): Promise<readonly DueEscalation[]>;
  told(due: DueEscalation, channel: string): Promise<void>;
  /** It failed: due again in `seconds`. */
  putOff(due: DueEscalation, problem: string, seconds: number): Promise<void>;
  /** The first word counts, said again it changes nothing. false: nobody has to look at this execution. */
  acknowledge(executionId: string, said: { readonly by: string; readonly reason: string }): Promise<boolean>;
}

export interface DueAsk extends DueEscalation {
  /** How often people were told before. */
  readonly told: number;
}

/** Executions that wait for an approval. Every method throws Problem DATABASE_UNAVAILABLE and may be repeated then. */
export interface Asks {
  /** Up to `limit` of which people are to be told, or told again; nobody else gets them for `claimSeconds`. */
  takeDue(limit: number, claimSeconds: number): Promise<readonly DueAsk[]>;
  /** @param againSeconds null: they are not told again */
  told(due: DueAsk, againSeconds: number | null): Promise<void>;
  /** It failed: due again in `seconds`. */
  putOff(due: DueAsk, problem: string, seconds: number): Promise<void>;
}

export interface DueNextAsk extends DueEscalation {
  /** Of the event ApproversAdded. */
  readonly seq: number;
}

/** People who may approve because nobody else has decided. Every method throws Problem DATABASE_UNAVAILABLE and may be repeated then. */
export interface NextAsks {
  takeDue(limit: number, claimSeconds: number): Promise<readonly DueNextAsk[]>;
  /** Also when it was decided before anybody was told. */
  told(due: DueNextAsk): Promise<void>;
  /** It failed: due again in `seconds`. */
  putOff(due: DueNextAsk, problem: string, seconds: number): Promise<void>;
}

export interface DueLift extends DueEscalation {
  /** Names of the channels that were told already. */
  readonly told: readonly string[];
}

/** Executions whose approvals were lifted: everybody is told. Every method throws Problem DATABASE_UNAVAILABLE and may be repeated then. */
export interface Lifts {
  takeDue(limit: number, claimSeconds: number): Promise<readonly DueLift[]>;
  told(due: DueLift, channel: string): Promise<void>;
  /** Due again in `seconds`; null: everybody was told. */
  putOff(due: DueLift, problem: string | null, seconds: number | null): Promise<void>;
}
