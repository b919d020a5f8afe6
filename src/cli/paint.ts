// Colours by meaning, not by name. Without colours the texts stay the same: no meaning is carried by colour alone.
import { styleText } from "node:util";
import type { Outcome, Phase } from "../domain/execution/events.ts";

export type Tone = "good" | "bad" | "attention" | "quiet" | "strong" | "plain";
export type Paint = (tone: Tone, text: string) => string;

const styles = {
  good: ["green"],
  bad: ["red", "bold"],
  attention: ["yellow"],
  quiet: ["dim"],
  strong: ["bold"],
} as const;

export function paintFor(colours: boolean): Paint {
  return (tone, text) => {
    if (!colours || tone === "plain" || text === "") return text;
    return styleText([...styles[tone]], text, { validateStream: false });
  };
}

const outcomeTones: Readonly<Record<string, Tone>> = {
  succeeded: "good",
  observed: "quiet",
  cancelled: "quiet",
  outdated: "quiet",
  superseded: "quiet",
  expired: "attention",
  rejected: "attention",
  refused: "attention",
  partly: "attention",
  rolled_back: "attention",
  failed: "bad",
  rollback_incomplete: "bad",
  unknown: "bad",
} satisfies Record<Outcome, Tone>;

const phaseTones: Readonly<Record<string, Tone>> = {
  planning: "strong",
  awaiting_approval: "attention",
  waiting: "attention",
  running: "strong",
  undoing: "attention",
  ended: "plain",
} satisfies Record<Phase, Tone>;

/** A newer version's words are shown without a colour. */
export function toneOf({ phase, outcome }: { phase: Phase; outcome: Outcome | null }): Tone {
  return (outcome === null ? phaseTones[phase] : outcomeTones[outcome]) ?? "plain";
}

const outcomeSymbols: Partial<Record<Outcome, string>> = {
  succeeded: "✔",
  observed: "◌",
  rolled_back: "↺",
  unknown: "?",
  cancelled: "–",
  outdated: "–",
};

export function symbolOf({ phase, outcome }: { phase: Phase; outcome: Outcome | null }): string {
  if (outcome !== null) return outcomeSymbols[outcome] ?? "✖";
  return phase === "awaiting_approval" ? "⏸" : "●";
}
