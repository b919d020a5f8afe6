import { describe, expect, it } from "vitest";
import { fold } from "../../../src/domain/execution/evolve.ts";
import { approvalGate, plan, previews, requested } from "../../fixtures/executions.ts";
import { recorded } from "../../support/given.ts";

describe("a plan whose gate is decided", () => {
  const past = recorded([
    requested(),
    { type: "Planned", plan, previews },
    { type: "GateDecided", gate: approvalGate },
  ]);

  it("keeps the diff that people are shown and later changes are compared with", () => {
    expect(fold(past).previews).toEqual(previews);
  });
  it("keeps the moment of the decision, which the expiry of the request counts from", () => {
    expect(fold(past).gateDecidedAt).toBe("2026-11-17T10:00:02.000Z");
  });
});
