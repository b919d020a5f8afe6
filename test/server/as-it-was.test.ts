// What was known about an execution at a moment of the night.
import { describe, expect, it } from "vitest";
import { asItWas } from "../../src/server/api/as-it-was.ts";
import { sampleExecution } from "../cli/sample-execution.ts";

const { summary, events } = sampleExecution("rolled-back");
const last = events.length;

describe("an execution as it was", () => {
  it("after an event shows nothing that came later", () => {
    const started = events.findIndex(({ event }) => event.type === "StepStarted") + 1;
    const shown = asItWas(summary, events, String(started));
    expect(shown.events).toEqual(events.slice(0, started));
    expect(shown.summary).toMatchObject({ phase: "running", outcome: null, escalated: false });
    expect(shown.past).toEqual({ at: events[started - 1]?.at, seq: started, lastSeq: last });
  });
  it("at a time shows what had happened until then, in whatever zone it is asked for", () => {
    const [, , third] = events;
    const plusOne = `${new Date(Date.parse(third!.at) + 3_600_000).toISOString().slice(0, -1)}+01:00`;
    const inZone = asItWas(summary, events, plusOne);
    expect(inZone).toEqual(asItWas(summary, events, third!.at));
    expect(inZone.past?.at).toBe(third!.at);
    expect(inZone.events.at(-1)?.at).toBe(third!.at);
  });
  it("after its end is as it is now", () => {
    expect(asItWas(summary, events, "2099-01-01T00:00:00Z")).toMatchObject({
      summary,
      events,
      past: { seq: last },
    });
    expect(asItWas(summary, events, "999999999")).toMatchObject({ summary, events });
    expect(asItWas(summary, events, undefined)).toEqual({ summary, events, past: null });
  });
  it.each(["0", "2001-01-01T00:00Z"])("before it began (%s) says when it began", (point) => {
    expect(() => asItWas(summary, events, point)).toThrow(`it began at ${events[0]!.at}`);
  });
  it("at a time that no calendar has is a mistake of whoever asks", () => {
    expect(() => asItWas(summary, events, "2026-13-45T99:99:99Z")).toThrow("no time that there is");
  });
});
