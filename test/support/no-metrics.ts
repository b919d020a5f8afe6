// Metrics that count nothing, for tests that are about something else.
import type { Metrics } from "../../src/controller/metrics.ts";

export const noMetrics: Metrics = { count: () => undefined, observe: () => undefined };
