import { expect, it } from "vitest";
import { type Breaker, breakerText } from "../../../src/domain/gate/breaker.ts";

const breaker: Breaker = {
  id: "3",
  scope: "target",
  template: "restart-workload",
  alertName: "KubePodCrashLooping",
  target: "prod-eu/apps/Deployment/shop/api",
  cluster: "prod-eu",
  setbacks: 3,
  perSeconds: 86_400,
  trippedAt: "2026-11-17T10:00:00.000Z",
  lastExecution: "01a20bc7-214e-7613-913f-9d8c8ba84f17",
  reset: null,
};

it.each([
  [{}, "restart-workload for KubePodCrashLooping on prod-eu/shop/Deployment/api"],
  [{ alertName: null, target: "prod-eu//Node//n-1" }, "restart-workload on prod-eu/Node/n-1"],
  [{ scope: "template" }, "restart-workload in cluster prod-eu"],
  [{ scope: "global" }, "everything that changes something"],
] as const)("a breaker says what it stops: %o", (changes, text) => {
  expect(breakerText({ ...breaker, ...changes })).toBe(
    `breaker 3 stops ${text}: 3 executions within 1d failed or did not help`,
  );
});
