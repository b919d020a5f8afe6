// Turns what people and alerts ask of an execution into events. Pure; an answer of no events is an answer too.
import { type Alert, type AlertReference } from "../facts/alert.ts";
import type { LiftStatement } from "../gate/break-glass.ts";
import type { ExecutionEvent } from "./events.ts";
import type { Execution } from "./execution.ts";
import { whyNotLifted } from "./why-not-lifted.ts";

export type Command =
  | { readonly type: "cancel"; readonly by: string; readonly reason: string; readonly keep: boolean }
  /** A worse alert of the same target has a remedy that needs nobody's approval. */
  | { readonly type: "supersede"; readonly reason: string }
  | { readonly type: "alert-joined"; readonly alert: Alert }
  /** Signed by `by`, which whoever took it in has checked; whether it lifts anything is asked here. */
  | ({ readonly type: "break-glass"; readonly signature: string } & LiftStatement)
  /** The forge announces news: whoever drives it wakes up and reads the request. */
  | { readonly type: "look-at-approval" }
  | {
      readonly type: "alert-resolved";
      readonly cluster: string;
      readonly fingerprint: string;
      readonly endsAt: string;
    };

/** @param now ISO 8601, by the database's clock */
export function answerCommand(state: Execution, command: Command, now: string): readonly ExecutionEvent[] {
  if (state.phase === "ended") return [];
  switch (command.type) {
    case "look-at-approval":
      return [];
    case "cancel":
      return state.cancel === null || state.cancel.revoked ? [{ ...command, type: "CancelRequested" }] : [];
    case "break-glass": {
      if (whyNotLifted(state, command, now) !== null) return [];
      const { by, reason, digest, at, until, signature } = command;
      return [{ type: "ApprovalLifted", by, reason, digest, at, until, signature }];
    }
    case "supersede":
      return state.phase === "awaiting_approval" && state.cancel === null
        ? [{ type: "Ended", outcome: "superseded", reason: command.reason, escalated: false }]
        : [];
    case "alert-joined":
      return state.firing.has(`${command.alert.cluster}/${command.alert.fingerprint}`)
        ? []
        : [{ type: "AlertJoined", alert: reference(command.alert) }];
    case "alert-resolved":
      return state.firing.has(`${command.cluster}/${command.fingerprint}`)
        ? [{ ...command, type: "AlertResolved" }]
        : [];
  }
}

function reference({ cluster, fingerprint, name, severity, labels, startsAt }: Alert): AlertReference {
  return { cluster, fingerprint, name, severity, labels, startsAt };
}
