// Nobody has paused anything.
import type { Controller } from "../../src/controller/controller.ts";
import type { PauseStore } from "../../src/controller/pause-ports.ts";
import type { Pauses } from "../../src/controller/pauses.ts";

export const noPauses: Pauses = {
  known: () => null,
  ask: async () => null,
  all: async () => [],
  look: async () => false,
  filesKnown: () => true,
};

export const emptyPauseStore: PauseStore = {
  active: async () => [],
  pause: async () => Promise.reject(new Error("paused")),
  resume: async () => null,
  endOf: async () => null,
  counts: async () => ({ live: 0, paused: 0 }),
};

const nothing = { pause: null, still: [], execution: null, live: 0, paused: 0, acted: true };
export const nothingPaused: Controller["pauses"] = {
  all: async () => [],
  pause: async () => nothing,
  resume: async () => nothing,
};
