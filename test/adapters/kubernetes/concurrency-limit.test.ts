// A clock that only the test moves: what is sent at once, who goes first, and what a busy API server changes.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  type ConcurrencyLimit,
  concurrencyLimit,
  type Decrease,
  type Outcome,
  type Turn,
} from "../../../src/adapters/kubernetes/concurrency-limit.ts";

const answered: Outcome = { kind: "answered" };
const never = new AbortController().signal;

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }));
afterEach(() => void vi.useRealTimers());

function given(ceiling: number) {
  const decreases: Decrease[] = [];
  const limit = concurrencyLimit(ceiling, (decrease) => decreases.push(decrease));
  return { limit, decreases };
}

/** Those of `count` requests that may be sent now. */
async function turns(limit: ConcurrencyLimit, count: number, urgent = false): Promise<Turn[]> {
  const got: Turn[] = [];
  for (let index = 0; index < count; index += 1)
    void limit.turn(urgent, never).then((turn) => got.push(turn));
  await vi.advanceTimersByTimeAsync(0);
  return got;
}

/** Requests one after the other, each with this outcome after so many seconds. */
async function requests(limit: ConcurrencyLimit, count: number, seconds: number, outcome = answered) {
  for (let index = 0; index < count; index += 1) {
    const turn = await limit.turn(false, never);
    await vi.advanceTimersByTimeAsync(seconds * 1000);
    turn.end(outcome, "GET");
  }
}

describe("requests to one API server", () => {
  it("are sent at once up to the ceiling; the others wait in line", async () => {
    const { limit } = given(3);
    const first = await turns(limit, 5);
    expect(first).toHaveLength(3);
    first[0]?.end(answered, "GET");
    await vi.advanceTimersByTimeAsync(0);
    expect(first).toHaveLength(4);
  });

  it("leave the line when they are given up, and are not sent", async () => {
    const { limit } = given(1);
    const [first] = await turns(limit, 1);
    const gone = new AbortController();
    const waiting = limit.turn(false, gone.signal);
    const after = await turns(limit, 1);
    gone.abort(new Error("the step timed out"));
    await expect(waiting).rejects.toThrow("the step timed out");
    first?.end(answered, "GET");
    await vi.advanceTimersByTimeAsync(0);
    expect(after).toHaveLength(1);
    await expect(limit.turn(false, gone.signal)).rejects.toThrow("the step timed out");
  });

  it("of an undo go before all that wait, and one of them even when nothing is free", async () => {
    const { limit } = given(1);
    const [hangs] = await turns(limit, 1);
    const steps = await turns(limit, 3);
    const undos = await turns(limit, 2, true);
    expect([steps.length, undos.length]).toEqual([0, 1]);
    hangs?.end({ kind: "given-up" }, "GET");
    undos[0]?.end(answered, "GET");
    await vi.advanceTimersByTimeAsync(0);
    expect([steps.length, undos.length]).toEqual([0, 2]);
    undos[1]?.end(answered, "GET");
    await vi.advanceTimersByTimeAsync(0);
    expect(steps).toHaveLength(1);
  });
});

describe("an API server that answers 429", () => {
  const throttled: Outcome = { kind: "throttled", retryAfterSeconds: 5 };

  it("gets half as many requests at once, and is told of once for those that were under way", async () => {
    const { limit, decreases } = given(16);
    const all = await turns(limit, 16);
    await vi.advanceTimersByTimeAsync(10);
    for (const turn of all) turn.end(throttled, "GET");
    expect(limit.now()).toBe(8);
    expect(decreases).toEqual([{ from: 16, to: 8, why: "it answered 429" }]);
  });

  it("is left in peace for as long as it asked: each refused request keeps its place", async () => {
    const { limit } = given(2);
    const all = await turns(limit, 2);
    await vi.advanceTimersByTimeAsync(10);
    for (const turn of all) turn.end(throttled, "GET");
    const next = await turns(limit, 1);
    await vi.advanceTimersByTimeAsync(4_999);
    expect(next).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(1);
    expect(next).toHaveLength(1);
  });

  it("holds nobody for hours, whatever it asks", async () => {
    const { limit } = given(1);
    const [turn] = await turns(limit, 1);
    turn?.end({ kind: "throttled", retryAfterSeconds: 86_400 }, "GET");
    const next = await turns(limit, 1);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(next).toHaveLength(1);
  });

  it("never gets less than one at a time, and one more for each round that goes well", async () => {
    const { limit } = given(8);
    for (let index = 0; index < 10; index += 1) {
      await requests(limit, 1, 0.01, throttled);
      await vi.advanceTimersByTimeAsync(5_000);
    }
    expect(limit.now()).toBe(1);
    await requests(limit, 1, 0.01);
    expect(limit.now()).toBe(2);
    await requests(limit, 3, 0.01);
    expect(limit.now()).toBe(3);
    await requests(limit, 100, 0.01);
    expect(limit.now()).toBe(8);
  });
});

describe("an API server whose answers get slow", () => {
  it("gets fewer requests once most answers take four times as long as usual", async () => {
    const { limit, decreases } = given(20);
    await requests(limit, 30, 0.4);
    expect(decreases).toEqual([]);
    await requests(limit, 12, 2);
    expect(decreases).toEqual([{ from: 20, to: 15, why: "most of its answers are slow or missing" }]);
  });

  it("gets fewer when nothing comes back at all", async () => {
    const { limit, decreases } = given(20);
    await requests(limit, 10, 15, { kind: "timed-out" });
    expect(decreases).toMatchObject([{ from: 20, to: 15 }]);
  });

  it.each([
    ["one request that hangs", 1, 15],
    ["answers that are quick enough for anybody", 30, 0.9],
  ])("is not taken for busy because of %s", async (_what, count, seconds) => {
    const { limit, decreases } = given(20);
    await requests(limit, 30, 0.1);
    await requests(limit, count, seconds);
    expect([decreases, limit.now()]).toEqual([[], 20]);
  });

  it("is not taken for busy when it is always that slow, or when callers give up", async () => {
    const { limit, decreases } = given(20);
    await requests(limit, 100, 3);
    await requests(limit, 30, 60, { kind: "given-up" });
    expect([decreases, limit.now()]).toEqual([[], 20]);
  });
});
