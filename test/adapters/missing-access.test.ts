// A right that is missing is named before the write; one that is there is not asked for at every step.
import { describe, expect, it } from "vitest";
import type { ActionTools } from "../../src/actions/action.ts";
import { missingAccessOf } from "../../src/adapters/kubernetes/missing-access.ts";
import { refuseWithoutAccess } from "../../src/controller/checks/access.ts";
import type { AccessQuestion } from "../../src/controller/rbac-in-use.ts";
import { scaleEffect } from "../support/given.ts";

const tools = { signal: new AbortController().signal } as unknown as ActionTools;

/** Rights as the API server would answer, a clock, and what was asked. */
function account(may: (question: AccessQuestion) => boolean) {
  const asked: AccessQuestion[] = [];
  const clock = { now: 0 };
  const mayDo = async (question: AccessQuestion) => {
    asked.push(question);
    return may(question);
  };
  const missingAccess = missingAccessOf(
    () => mayDo,
    () => clock.now,
  );
  return {
    asked,
    clock,
    check: () => refuseWithoutAccess({ effect: scaleEffect, found: [], tools }, { missingAccess }),
  };
}

describe("a right that gitmend lacks", () => {
  it("is named with verb, resource, namespace and cluster", async () => {
    await expect(account(() => false).check()).rejects.toMatchObject({
      code: "ACCESS_MISSING",
      retryable: false,
      message: expect.stringContaining("may not patch deployments.apps in namespace shop of cluster prod-eu"),
    });
  });
  it("is asked for again at the next step, so that a grant helps at once", async () => {
    let granted = false;
    const { check } = account(() => granted);
    await expect(check()).rejects.toMatchObject({ code: "ACCESS_MISSING" });
    granted = true;
    await expect(check()).resolves.toBeUndefined();
  });
});

describe("a right that is there", () => {
  it("is asked for once in half a minute", async () => {
    const { asked, clock, check } = account(() => true);
    await check();
    clock.now = 29_999;
    await check();
    expect(asked).toEqual([{ verb: "patch", apiGroup: "apps", resource: "deployments", namespace: "shop" }]);
    clock.now = 30_000;
    await check();
    expect(asked).toHaveLength(2);
  });
  it("may be for this object alone", async () => {
    const { asked, check } = account(({ name }) => name === "api");
    await expect(check()).resolves.toBeUndefined();
    expect(asked).toHaveLength(2);
  });
});
