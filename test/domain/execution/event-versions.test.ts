// What older and newer versions of gitmend have stored.
import { describe, expect, it } from "vitest";
import { renderRecord } from "../../../src/domain/audit/render-record.ts";
import { type Upcasters, upcast, versionOf } from "../../../src/domain/execution/event-versions.ts";
import type { RecordedEvent } from "../../../src/domain/execution/events.ts";
import { succeededRollback } from "../../fixtures/executions.ts";

/** As if `StepSkipped` had been given a reason in version 2, and `byCondition` in version 3. */
const registry: Upcasters = {
  StepSkipped: [
    ({ why, ...rest }) => ({ ...rest, reason: why ?? "" }),
    (event) => ({ ...event, byCondition: event["reason"] === "its condition is false" }),
  ],
};

const stored = (version: number, event: object): RecordedEvent =>
  ({ seq: 5, at: "2026-11-17T10:00:00.000Z", version, event }) as unknown as RecordedEvent;

describe("an event that an older version stored", () => {
  it("is read in the present shape, through every version in between", () => {
    const first = stored(1, { type: "StepSkipped", step: "look", why: "its condition is false" });
    expect(upcast(first, registry)).toEqual(
      stored(3, { type: "StepSkipped", step: "look", reason: "its condition is false", byCondition: true }),
    );
    const second = stored(2, { type: "StepSkipped", step: "look", reason: "a step failed" });
    expect(upcast(second, registry).event).toMatchObject({ reason: "a step failed", byCondition: false });
  });
  it("stays what it is in the database: reading changes a copy", () => {
    const first = Object.freeze(stored(1, Object.freeze({ type: "StepSkipped", step: "look", why: "x" })));
    upcast(first, registry);
    expect(first.event).toEqual({ type: "StepSkipped", step: "look", why: "x" });
  });
  it("is written in the newest version from now on", () => {
    expect([versionOf("StepSkipped", registry), versionOf("Ended", registry)]).toEqual([3, 1]);
  });
});

describe("an event that a newer version stored", () => {
  it.each([
    [
      "a version that is not known",
      stored(4, { type: "StepSkipped", step: "look" }),
      /event 5 is a StepSkipped of version 4/,
    ],
    [
      "a type that is not known",
      stored(1, { type: "StepTeleported", step: "look" }),
      /event 5 is a StepTeleported of version 1/,
    ],
    ["a version before the first", stored(0, { type: "StepSkipped", step: "look" }), /version 0/],
    ["a name that every object has", stored(1, { type: "constructor" }), /constructor of version 1/],
  ])("is refused: %s", (_, recorded, message) => {
    expect(() => upcast(recorded, registry)).toThrow(message);
  });
  it("makes no record that leaves it out", () => {
    const { events } = succeededRollback;
    const newer = events.map((one, index) => (index === 2 ? { ...one, version: 99 } : one));
    expect(() =>
      renderRecord({ executionId: "e1", milestone: "planned", events: newer, previousHead: null }),
    ).toThrow(/version 99/);
  });
});
