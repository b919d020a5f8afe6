import { describe, expect, it } from "vitest";
import { targetEvent } from "../../src/actions/target-events.ts";

const facts = {
  executionId: "0190-ab",
  template: "rollback-workload",
  alertName: "KubePodCrashLooping",
  detail: "",
};

describe("an Event on the target", () => {
  it("says what started and why", () => {
    expect(targetEvent("RemediationStarted", facts)).toEqual({
      name: "gitmend-0190-ab-started",
      type: "Normal",
      reason: "RemediationStarted",
      message: "rollback-workload started because of KubePodCrashLooping (gitmend execution 0190-ab)",
    });
  });

  it("warns when people are needed, and says why", () => {
    const event = targetEvent("RemediationFailed", { ...facts, detail: "api is not healthy" });
    expect(event).toMatchObject({ type: "Warning", name: "gitmend-0190-ab-failed" });
    expect(event.message).toContain("needs a person: api is not healthy");
  });

  it("has one name for each execution and reason, so that a second writer adds none", () => {
    const names = (
      ["RemediationStarted", "RemediationSucceeded", "RemediationRolledBack", "RemediationFailed"] as const
    ).map((reason) => targetEvent(reason, facts).name);
    expect(new Set(names).size).toBe(4);
    expect(targetEvent("RemediationFailed", { ...facts, detail: "other" }).name).toBe(names[3]);
  });

  it("is cut to what the API server takes", () => {
    const { message } = targetEvent("RemediationFailed", { ...facts, detail: "x".repeat(5000) });
    expect(message.length).toBeLessThanOrEqual(1024);
  });
});
