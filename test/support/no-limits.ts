// Nothing is held back: no breaker is open and none trips.
import type { BreakerStore } from "../../src/controller/breaker-ports.ts";
import type { Controller } from "../../src/controller/controller.ts";
import type { StormLimits } from "../../src/controller/decision-ports.ts";
import type { HoldStore } from "../../src/controller/hold-ports.ts";

export const noBreakers: BreakerStore = {
  trip: async () => [],
  holding: async () => null,
  list: async () => [],
  reset: async () => null,
};

export const nothingTripped: Controller["breakers"] = {
  list: async () => [],
  reset: async () => Promise.reject(new Error("no breaker")),
};

export const noBacklog: Controller["backlog"] = {
  length: () => 0,
  sheds: () => false,
  refuses: () => false,
  opened: () => undefined,
};

export const noHolds: HoldStore = {
  aim: async () => ({ first: true, seconds: 0 }),
  gathered: async () => [],
  hasten: async () => undefined,
  trouble: async () => null,
  flapping: async () => null,
};

export const noLimits: StormLimits = {
  gatherSeconds: 0,
  backlog: 1_000_000,
  flapping: { openings: 1_000, windowSeconds: 3_600 },
  breakers: [],
};
