// Durations as people write them: 30s, 5m, 1h30m, 1d. Inside gitmend a duration is a number of seconds.
import { Problem } from "./problem.ts";

const unitSeconds = { d: 86_400, h: 3_600, m: 60, s: 1 } as const;

/** Seconds of `1h30m`. @throws Problem PARAMETER_INVALID for anything else, zero-length text included. */
export function durationSeconds(text: string): number {
  const parts = /^(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(text);
  if (parts === null || text === "") {
    throw new Problem("PARAMETER_INVALID", `"${text}" is not a duration: write 30s, 5m or 1h30m`);
  }
  const [, days = "0", hours = "0", minutes = "0", seconds = "0"] = parts;
  return (
    Number(days) * unitSeconds.d +
    Number(hours) * unitSeconds.h +
    Number(minutes) * unitSeconds.m +
    Number(seconds)
  );
}

/** `90` -> `1m30s`; rounds to whole seconds; 0 -> `0s`. */
export function durationText(seconds: number): string {
  let rest = Math.round(seconds);
  let text = "";
  for (const [unit, size] of Object.entries(unitSeconds)) {
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  return text === "" ? "0s" : text;
}
