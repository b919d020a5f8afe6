// Nothing is held back: no breaker is open and none trips.
import type { BreakerStore } from "../../src/controller/breaker-ports.ts";
import type { Controller } from "../../src/controller/controller.ts";
import type { StormLimits } from "../../src/controller/decision-ports.ts";

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

export const noLimits: StormLimits = { breakers: [] };
