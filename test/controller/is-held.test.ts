import { describe, expect, it } from "vitest";
import { isHeld } from "../../src/controller/is-held.ts";
import type { AlertState } from "../../src/controller/ports.ts";
import type { Session } from "../../src/controller/session.ts";
import { Problem } from "../../src/domain/problem.ts";
import { given, planned, step } from "../support/given.ts";

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
const asked = (approved: boolean, look: () => Promise<AlertState>) => {
  const state = { ...given(...planned([step("scale")])).state, approved };
  return isHeld({ id: "e1", state: () => state } as Session, { alertmanagers: { look }, log: quiet });
};

describe("an approved plan that is about to run", () => {
  it.each([
    ["waits while people silence its alert", { state: "held", why: "silenced by ana" }, true],
    ["waits for the resolve of an alert that is gone", { state: "absent" }, true],
    ["runs while its alert is active", { state: "active" }, false],
    ["runs where nobody can be asked", { state: "unasked" }, false],
  ] as const)("%s", async (_what, state, held) => {
    expect(await asked(true, async () => state)).toBe(held);
  });
  it("runs while its Alertmanager is away", async () => {
    const away = async () => Promise.reject(new Problem("ALERTMANAGER_UNAVAILABLE", "no answer"));
    expect(await asked(true, away)).toBe(false);
  });
  it("is the only one that is asked about: others were looked at when they were decided", async () => {
    const mustNot = async () => Promise.reject(new Error("asked"));
    expect(await asked(false, mustNot)).toBe(false);
  });
});
