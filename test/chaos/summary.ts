// What came of many runs, in the three shares that count, and each run that did not go well with its faults.
import type { RunVerdict } from "./oracle-runs.ts";

export interface Summary {
  readonly runs: number;
  readonly faults: number;
  /** Ended as it should: mended, or rightly left to people. */
  readonly success: Share;
  /** Of the runs in which a call failed while steps were under way. */
  readonly recovery: Share;
  /** Of the runs that took something back: the cluster is as it was in every field that gitmend wrote. */
  readonly undo: Share;
  readonly twice: number;
}

export interface Share {
  readonly good: number;
  readonly of: number;
  /** 1 where there were none. */
  readonly share: number;
}

export function summarise(verdicts: readonly RunVerdict[]): Summary {
  const struck = verdicts.filter(({ struckAStep }) => struckAStep);
  const undone = verdicts.filter(({ undo }) => undo !== null);
  return {
    runs: verdicts.length,
    faults: verdicts.reduce((sum, { faults }) => sum + faults.length, 0),
    success: shareOf(verdicts, ({ failure }) => failure === null),
    recovery: shareOf(struck, ({ failure }) => failure === null),
    undo: shareOf(undone, ({ undo }) => undo?.length === 0),
    twice: verdicts.filter(({ twice }) => twice.length > 0).length,
  };
}

function shareOf(verdicts: readonly RunVerdict[], isGood: (verdict: RunVerdict) => boolean): Share {
  const good = verdicts.filter(isGood).length;
  return { good, of: verdicts.length, share: verdicts.length === 0 ? 1 : good / verdicts.length };
}

export function summaryText({ runs, faults, success, recovery, undo, twice }: Summary): string {
  const text = ({ good, of, share }: Share) => `${good} of ${of} (${(share * 100).toFixed(1)} %)`;
  return [
    `${runs} runs, ${faults} faults`,
    `success   ${text(success)}`,
    `recovery  ${text(recovery)}`,
    `undo      ${text(undo)}`,
    `made twice ${twice}`,
  ].join("\n");
}

/** What gitmend promises. */
export function meetsDemands({ success, recovery, undo, twice }: Summary): boolean {
  return success.share > 0.95 && recovery.share > 0.9 && undo.share > 0.98 && twice === 0;
}

/** Empty: all went well. */
export function complaintOf({ run, scenario, failure, undo, faults }: RunVerdict): string {
  const left = undo === null || undo.length === 0 ? null : `not taken back: ${undo.join(", ")}`;
  const why = [failure, left].filter((one) => one !== null).join("; ");
  return why === "" ? "" : `run ${run} (${scenario}): ${why} [${faults.join(", ")}]`;
}
