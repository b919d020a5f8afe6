import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ExecutionEvent } from "../../../src/domain/execution/events.ts";
import { evolve, fold } from "../../../src/domain/execution/evolve.ts";
import { nextWork } from "../../../src/domain/execution/next-work.ts";
import { plusSeconds } from "../../../src/domain/instant.ts";
import type { PlannedStep } from "../../../src/domain/planning/plan.ts";
import { given, recorded, running, scaleEffect, start, started, step } from "../../support/given.ts";

/** Something was changed already: the first change goes alone, whatever else is ready. */
const changed = [
  started("first"),
  { type: "StepSucceeded", step: "first", attempt: 1, output: null } as const,
];
const after = (...steps: PlannedStep[]) => [step("first"), ...steps];

describe("steps that could all start", () => {
  it("begin with the one that the longest way hangs on", () => {
    const steps = after(
      step("short", { timeoutSeconds: 60 }),
      step("long", { timeoutSeconds: 10 }),
      step("then", { timeoutSeconds: 600, dependsOn: ["long"] }),
    );
    expect(given(...running(steps, { maxParallel: 1 }), ...changed).starts()).toEqual(["long"]);
  });
  it("begin with that one for the first change too, which goes alone", () => {
    const steps = [step("short"), step("long"), step("then", { dependsOn: ["long"] })];
    expect(given(...running(steps)).starts()).toEqual(["long"]);
  });
  it("keep the template's order where all ways are equally long", () => {
    const steps = after(step("a"), step("b"), step("c"));
    expect(given(...running(steps, { maxParallel: 2 }), ...changed).starts()).toEqual(["a", "b"]);
  });
  it("leave an object alone that another step is at", () => {
    const steps = after(
      step("scale", { touches: ["api"] }),
      step("patch", { touches: ["api"] }),
      step("other"),
    );
    const past = [...running(steps), ...changed];
    expect(given(...past).starts()).toEqual(["scale", "other"]);
    expect(given(...past, started("scale")).starts(8, ["scale"])).toEqual(["other"]);
  });
  it("leave an object alone that a step is going to try again", () => {
    const steps = after(step("scale", { touches: ["api"] }), step("patch", { touches: ["api"] }));
    const again: ExecutionEvent[] = [
      started("scale"),
      {
        type: "StepFailed",
        step: "scale",
        attempt: 1,
        code: "API_THROTTLED",
        message: "",
        changed: false,
        retryable: true,
        retryAfterSeconds: 60,
      },
      { type: "RetryScheduled", step: "scale", attempt: 2, at: plusSeconds(start, 60) },
    ];
    const past = given(...running(steps), ...changed, ...again);
    expect(past.starts(10)).toEqual([]);
    expect(past.starts(61)).toEqual(["scale"]);
  });
});

const someSteps = fc
  .array(
    fc.record({
      after: fc.array(fc.nat({ max: 11 }), { maxLength: 2 }),
      objects: fc.uniqueArray(fc.constantFrom("api", "db", "node-1"), { maxLength: 2 }),
      timeoutSeconds: fc.integer({ min: 1, max: 60 }),
      changes: fc.boolean(),
    }),
    { minLength: 1, maxLength: 12 },
  )
  .map((all) =>
    all.map(({ after: before, objects, timeoutSeconds, changes }, index) =>
      step(`s${index}`, {
        changes,
        timeoutSeconds,
        dependsOn: [...new Set(before.filter((other) => other < index))].map((other) => `s${other}`),
        ...(changes && objects.length > 0 ? { touches: objects } : {}),
      }),
    ),
  );

/** Which steps were under way together, each time that one began; `pick`: who ends next. */
function schedule(steps: readonly PlannedStep[], maxParallel: number, pick: (choices: number) => number) {
  let state = fold(recorded(running(steps, { maxParallel, timeoutSeconds: 1e9 })));
  const tell = (event: ExecutionEvent) => {
    state = evolve(state, {
      seq: state.version + 1,
      at: plusSeconds(start, state.version),
      version: 1,
      event,
    });
  };
  const busy = new Set<string>();
  const moments: (readonly PlannedStep[])[] = [];
  const ended: string[] = [];
  const together = () => steps.filter(({ name }) => busy.has(name));
  for (let round = 0; round < 100 && state.phase !== "ended"; round += 1) {
    for (const work of nextWork(state, busy, plusSeconds(start, state.version))) {
      if (work.type === "record") work.events.forEach(tell);
      if (work.type !== "start") continue;
      expect(ended).toEqual(expect.arrayContaining([...work.step.dependsOn]));
      busy.add(work.step.name);
      tell(started(work.step.name, work.step.changes ? scaleEffect : null));
    }
    moments.push(together());
    const [name] = [...busy].splice(pick(busy.size), 1);
    if (name === undefined) continue;
    busy.delete(name);
    ended.push(name);
    tell({ type: "StepSucceeded", step: name, attempt: 1, output: null });
  }
  return { state, moments, ended };
}

describe("any plan of parallel steps", () => {
  it("runs every step after what it waits for, never too many at once, never two on one object", () => {
    const luck = fc.infiniteStream(fc.nat());
    fc.assert(
      fc.property(someSteps, fc.integer({ min: 1, max: 4 }), luck, (steps, maxParallel, stream) => {
        const pick = (choices: number) => (stream.next().value as number) % Math.max(1, choices);
        const { state, moments, ended } = schedule(steps, maxParallel, pick);
        expect(state.outcome).toBe("succeeded");
        expect(ended.toSorted()).toEqual(steps.map(({ name }) => name).toSorted());
        for (const together of moments) {
          expect(together.length).toBeLessThanOrEqual(maxParallel);
          const touched = together.flatMap(({ touches = [] }) => touches);
          expect(touched).toEqual([...new Set(touched)]);
        }
      }),
      { numRuns: 300 },
    );
  });
});
