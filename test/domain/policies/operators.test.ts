// What each operator says of what it finds, and what it refuses to guess about.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Json } from "../../../src/domain/json.ts";
import { type OperatorName, prepareOperator } from "../../../src/domain/policies/operators.ts";
import { readHours } from "../../../src/domain/policies/within-hours.ts";
import { instantOf, wallClock } from "../../../src/domain/policies/zoned-time.ts";
import { Problem } from "../../../src/domain/problem.ts";

const now = "2026-11-17T10:00:00.000Z";

function ask(operator: OperatorName, found: unknown, value: Json): boolean | string {
  const prepared = prepareOperator(operator, value);
  if ("fault" in prepared) throw new Error(prepared.fault);
  const answer = prepared.comparison(found, now);
  return answer instanceof Problem ? answer.message : answer;
}

describe("an operator", () => {
  it.each<[OperatorName, unknown, Json, boolean]>([
    ["equal", "prod", "prod", true],
    ["equal", "1", 1, false],
    ["notEqual", "prod", "dev", true],
    ["in", "b", ["a", "b"], true],
    ["notIn", "b", ["a", "b"], false],
    ["contains", ["a", "b"], "b", true],
    ["doesNotContain", ["a", "b"], "c", true],
    ["lessThan", 2, 3, true],
    ["lessThanInclusive", 3, 3, true],
    ["greaterThan", "4", 3, true],
    ["greaterThanInclusive", "-0.5", 0, false],
    ["anyIn", ["a", "b"], ["b", "c"], true],
    ["allIn", ["a", "b"], ["b", "c"], false],
    ["allIn", [], ["b"], true],
    ["matches", "payments-7", "^pay.*\\d$", true],
    ["glob", "payments", "pay*", true],
    ["anyGlob", ["shop", "pay-eu"], ["pay-*"], true],
    ["anyGlob", "pay-eu", ["pay-*"], true],
    ["noneGlob", ["shop", "pay-eu"], ["pay-*"], false],
    ["noneGlob", [], ["*"], true],
    ["olderThan", "2026-11-17T09:44:59.000Z", "15m", true],
    ["olderThan", "2026-11-17T09:45:00.000Z", "15m", false],
    ["olderThan", "2026-11-18T00:00:00.000Z", "0s", false],
    ["cel", { a: [1, 2] }, "value.a.exists(x, x == 2)", true],
  ])("%s of %j with %j is %s", (operator, found, value, expected) => {
    expect(ask(operator, found, value)).toBe(expected);
  });

  it.each<[OperatorName, unknown, Json, RegExp]>([
    ["contains", "a text", "text", /needs a list, found "a text"/],
    ["doesNotContain", "a text", "x", /needs a list/],
    ["greaterThan", "3Gi", 2, /needs a number, found "3Gi"/],
    ["equal", ["prod"], "prod", /needs a single value, found \["prod"\]/],
    ["notIn", { a: 1 }, ["a"], /needs a single value/],
    ["noneGlob", [1, "a"], ["b"], /needs text or a list of text/],
    ["matches", 7, "7", /needs text/],
    ["olderThan", "yesterday", "1d", /needs a time/],
    ["cel", { a: "x" }, "value.a > 3", /no such overload|value\.a/],
  ])("%s says so when it finds %j, which it cannot compare", (operator, found, value, message) => {
    expect(ask(operator, found, value)).toMatch(message);
  });

  it.each<[OperatorName, Json, RegExp]>([
    ["equal", ["a"], /"equal" needs text, a number, true or false/],
    ["equal", null, /"equal" needs/],
    ["in", "a", /"in" needs a list/],
    ["greaterThan", "many", /needs a number/],
    ["matches", "(?=a)", /no RE2 regular expression/],
    ["anyGlob", "a*", /needs a list of text/],
    ["olderThan", "2 days", /needs a duration like/],
    ["olderThan", 5, /needs a duration like/],
    ["cel", "value +", /value|input|token/i],
    ["cel", "alert.name == 'x'", /"alert" is not known here/],
  ])("%s takes no value %j", (operator, value, message) => {
    const prepared = prepareOperator(operator, value);
    expect("fault" in prepared ? prepared.fault : "it does").toMatch(message);
  });

  it("never hangs on a pattern, however hostile", () => {
    expect(ask("matches", `${"a".repeat(50_000)}!`, "^(a+)+$")).toBe(false);
    expect(ask("glob", "a".repeat(50_000), "*a*a*a*a*b")).toBe(false);
  });
});

describe("withinHours", () => {
  const within = (instant: string, value: Json, zone = "UTC") => {
    const reading = readHours(value, zone);
    if ("fault" in reading) throw new Error(reading.fault);
    return ask("withinHours", instant, reading.hours as unknown as Json);
  };

  it("begins with its first minute and ends before its last", () => {
    const day = { from: "08:00", to: "18:00" };
    expect(within("2026-11-17T07:59:59.999Z", day)).toBe(false);
    expect(within("2026-11-17T08:00:00.000Z", day)).toBe(true);
    expect(within("2026-11-17T17:59:59.999Z", day)).toBe(true);
    expect(within("2026-11-17T18:00:00.000Z", day)).toBe(false);
    expect(within("2026-11-17T23:59:59.999Z", { from: "18:00", to: "24:00" })).toBe(true);
  });

  it("over midnight belongs to the day on which it begins", () => {
    const friday = { from: "22:00", to: "06:00", days: ["fri"] };
    expect(within("2026-11-20T23:00:00Z", friday)).toBe(true);
    expect(within("2026-11-21T05:59:00Z", friday)).toBe(true);
    expect(within("2026-11-21T06:00:00Z", friday)).toBe(false);
    expect(within("2026-11-21T23:00:00Z", friday)).toBe(false);
    expect(within("2026-11-20T05:00:00Z", friday)).toBe(false);
  });

  it("goes by the clocks of its zone, or of the policy's", () => {
    const office = { from: "09:00", to: "17:00", days: ["mon", "tue", "wed", "thu", "fri"] };
    expect(within("2026-11-17T08:30:00Z", office)).toBe(false);
    expect(within("2026-11-17T08:30:00Z", office, "Europe/Berlin")).toBe(true);
    expect(within("2026-11-17T08:30:00Z", { ...office, zone: "UTC" }, "Europe/Berlin")).toBe(false);
    expect(within("2026-11-22T23:30:00Z", office, "Asia/Tokyo"), "Monday morning there").toBe(false);
    expect(within("2026-11-23T00:30:00Z", office, "Asia/Tokyo"), "Monday morning there").toBe(true);
  });

  it("is the clock on the wall where clocks are put forward and back", () => {
    const night = { from: "02:00", to: "04:00", zone: "Europe/Berlin" };
    // 29 March: 01:59 CET is followed by 03:00 CEST.
    expect(within("2026-03-29T00:59:59Z", night)).toBe(false);
    expect(within("2026-03-29T01:00:00Z", night)).toBe(true);
    expect(within("2026-03-29T02:00:00Z", night)).toBe(false);
    // 25 October: 02:30 comes twice, both belong to it.
    expect(within("2026-10-25T00:30:00Z", night)).toBe(true);
    expect(within("2026-10-25T01:30:00Z", night)).toBe(true);
    expect(within("2026-10-25T03:00:00Z", night)).toBe(false);
  });

  it("and the rest of the day are never both so, nor both not (property)", () => {
    const time = fc.integer({ min: 0, max: 1439 });
    const text = (minutes: number) => new Date(minutes * 60_000).toISOString().slice(11, 16);
    const zone = fc.constantFrom("UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe");
    const instant = fc.date({
      min: new Date("2020-01-01"),
      max: new Date("2035-01-01"),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(time, time, zone, instant, (from, to, name, at) => {
        fc.pre(from !== to);
        const inside = within(at.toISOString(), { from: text(from), to: text(to), zone: name });
        const outside = within(at.toISOString(), { from: text(to), to: text(from), zone: name });
        expect(inside).toBe(!outside);
      }),
    );
  });

  it.each<[Json, RegExp]>([
    ["08:00-18:00", /needs \{from/],
    [{ from: "08:00" }, /"to" must be/],
    [{ from: "8:00", to: "18:00" }, /"from" must be a time like "08:00"/],
    [{ from: "08:00", to: "25:00" }, /"to" must be a time/],
    [{ from: "08:00", to: "08:00" }, /are the same/],
    [{ from: "08:00", to: "18:00", days: [] }, /"days" must be a list/],
    [{ from: "08:00", to: "18:00", days: ["tues"] }, /"tues" is none of sun, mon, .*did you mean "tue"/],
    [{ from: "08:00", to: "18:00", zone: "Europe/Berln" }, /no time zone "Europe\/Berln".*"Europe\/Berlin"/],
    [{ from: "08:00", to: "18:00", zones: "UTC" }, /has no "zones"; did you mean "zone"/],
  ])("takes no %j", (value, message) => {
    const reading = readHours(value, "UTC");
    expect("fault" in reading ? reading.fault : "it does").toMatch(message);
  });
});

describe("a wall clock's time", () => {
  it("is an instant of its zone, whatever the season", () => {
    const at = (wall: string, zone: string) => new Date(instantOf(wall, zone)).toISOString();
    expect(at("2026-12-20T00:00", "Europe/Berlin")).toBe("2026-12-19T23:00:00.000Z");
    expect(at("2026-07-01T00:00", "Europe/Berlin")).toBe("2026-06-30T22:00:00.000Z");
    expect(at("2026-03-29T03:00", "Europe/Berlin")).toBe("2026-03-29T01:00:00.000Z");
    expect(at("2026-01-01T00:00", "Pacific/Kiritimati")).toBe("2025-12-31T10:00:00.000Z");
    expect(at("2026-01-01T00:00", "Asia/Kathmandu")).toBe("2025-12-31T18:15:00.000Z");
  });

  it("that the calendar lacks is none", () => {
    expect(instantOf("2026-02-30T00:00", "UTC")).toBeNaN();
    expect(instantOf("2026-13-01T00:00", "UTC")).toBeNaN();
    expect(instantOf("2025-02-29T00:00", "Europe/Berlin")).toBeNaN();
  });

  it("is what the zone's clocks show then, except where they skip it (property)", () => {
    const zones = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"];
    const minutes = fc.integer({ min: 0, max: 1439 });
    const day = fc.date({ min: new Date("2020-01-01"), max: new Date("2035-01-01"), noInvalidDate: true });
    fc.assert(
      fc.property(fc.constantFrom(...zones), day, minutes, (zone, date, minute) => {
        const time = new Date(minute * 60_000).toISOString().slice(11, 16);
        const shown = wallClock(zone)(instantOf(`${date.toISOString().slice(0, 10)}T${time}`, zone)).minutes;
        const skipped = Math.abs(shown - minute);
        expect(skipped === 0 || skipped === 30 || skipped === 60).toBe(true);
        if (skipped > 0) expect(minute).toBeLessThan(4 * 60);
      }),
    );
  });
});
