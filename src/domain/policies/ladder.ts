// A ladder: what is tried one after the other for one alert name and target. The rung follows from the history within the window
// and from nothing else, so every replica and every restart comes to the same one. It never goes down again within the window.
import { durationSeconds, durationText } from "../duration.ts";
import type { History } from "../facts/facts.ts";
import { plusSeconds } from "../instant.ts";
import type { Rung, SelectTemplate } from "./policy.generated.ts";

type Params = SelectTemplate["params"];

/** A template that an event may choose. */
export interface TemplateChoice {
  readonly template: string;
  readonly parameters: Params["parameters"];
}

/** Where a ladder stands, with the reason for the record. */
export type Climb = { readonly reason: string } & (
  | { readonly kind: "template"; readonly choice: TemplateChoice }
  | { readonly kind: "people"; readonly escalate: NonNullable<Rung["escalate"]> }
  /** Everything was tried and nobody is to be told. */
  | { readonly kind: "end"; readonly until: string }
);

const defaultWindow = "24h";
/** What is known of the past. */
export const longestWindowSeconds = 7 * 86_400;

export function choicesOf({ template, parameters, ladder = [] }: Params): readonly TemplateChoice[] {
  const rungs = template === undefined ? ladder : [{ template, parameters }];
  return rungs.flatMap((rung) =>
    rung.template === undefined ? [] : [{ template: rung.template, parameters: rung.parameters }],
  );
}

/** @param ladder not empty; each template stands on it once */
export function climb(
  ladder: readonly Rung[],
  { window = defaultWindow }: Params,
  { attempts }: History,
  now: string,
): Climb {
  const seconds = durationSeconds(window);
  const recent = attempts.filter(({ at }) => plusSeconds(at, seconds) > now);
  const tried = (rung: Rung) => recent.filter(({ template }) => template === rung.template).length;
  const highest = ladder.findLastIndex((rung) => tried(rung) > 0);
  const within = `within ${durationText(seconds)}`;
  for (const [index, rung] of ladder.entries()) {
    const { template, times = 1, escalate } = rung;
    const place = `rung ${index + 1} of ${ladder.length}`;
    if (escalate !== undefined)
      return { kind: "people", escalate, reason: `${place}, people: ${triedText(ladder, tried)} ${within}` };
    if (template === undefined || index < highest || tried(rung) >= times) continue;
    return {
      kind: "template",
      choice: { template, parameters: rung.parameters },
      reason: `${place}, ${template}: try ${tried(rung) + 1} of ${times} ${within}`,
    };
  }
  const top = ladder.at(-1)?.template;
  const oldest = recent.findLast(({ template }) => template === top);
  return {
    kind: "end",
    until: plusSeconds(oldest?.at ?? now, seconds),
    reason: `its end, nothing more is tried: ${triedText(ladder, tried)} ${within}`,
  };
}

/** `restart-workload was tried once, raise-memory twice`. */
function triedText(ladder: readonly Rung[], tried: (rung: Rung) => number): string {
  const texts = ladder
    .filter((rung) => tried(rung) > 0)
    .map((rung, index) => `${rung.template}${index === 0 ? " was tried" : ""} ${timesText(tried(rung))}`);
  return texts.length === 0 ? "nothing was tried" : texts.join(", ");
}

function timesText(count: number): string {
  return ["", "once", "twice"][count] ?? `${count} times`;
}
