import { expect, it } from "vitest";
import { silentSources } from "../../src/controller/silent-sources.ts";

function givenSources() {
  const warned: object[] = [];
  const state = {
    now: "2026-11-17T10:00:00.000Z",
    watchdogs: [] as { source: string; lastAt: string; gapSeconds: number }[],
  };
  const round = silentSources({
    alerts: { watchdogs: async () => state.watchdogs },
    clock: { now: () => state.now },
    log: { info: () => undefined, error: () => undefined, warn: (fields) => void warned.push(fields) },
  });
  return { state, warned, round };
}

it("tells once of a source whose Watchdog stopped coming, and again when it comes and stops again", async () => {
  const { state, warned, round } = givenSources();
  await round();
  state.watchdogs = [
    { source: "eu", lastAt: "2026-11-17T10:00:00.000Z", gapSeconds: 60 },
    { source: "us", lastAt: "2026-11-17T10:05:00.000Z", gapSeconds: 0 },
  ];
  state.now = "2026-11-17T10:10:00.000Z";
  await round();
  expect(warned).toEqual([]);
  state.now = "2026-11-17T10:10:00.001Z";
  await round();
  await round();
  expect(warned).toEqual([{ source: "eu", lastAt: "2026-11-17T10:00:00.000Z" }]);
  state.watchdogs = [{ source: "eu", lastAt: "2026-11-17T10:10:00.000Z", gapSeconds: 600 }];
  await round();
  state.now = "2026-11-17T10:30:00.000Z";
  await round();
  expect(warned).toHaveLength(2);
});

it("waits as long as Alertmanager's route repeats it, and five minutes more", async () => {
  const { state, warned, round } = givenSources();
  state.watchdogs = [{ source: "eu", lastAt: "2026-11-17T10:00:00.000Z", gapSeconds: 14_400 }];
  state.now = "2026-11-17T14:05:00.000Z";
  await round();
  expect(warned).toEqual([]);
  state.now = "2026-11-17T14:05:01.000Z";
  await round();
  expect(warned).toHaveLength(1);
});
