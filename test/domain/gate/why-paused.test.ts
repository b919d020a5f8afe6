import { describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../../src/domain/facts/objects.ts";
import type { Pause, PauseScope } from "../../../src/domain/facts/pause.ts";
import { annotatedPauses, type Place, pauseText, whyPaused } from "../../../src/domain/gate/why-paused.ts";

const now = "2026-11-23T10:00:00.000Z";
const pause = (scope: PauseScope, until: string | null = null): Pause => ({
  scope,
  by: "ana",
  reason: "migration",
  until,
  source: "command",
});
const shop: readonly Place[] = [{ cluster: "prod-eu", namespace: "shop" }];
const ask = (scope: PauseScope, places = shop, id: string | null = "e1") =>
  whyPaused(places, id, [pause(scope)], now) !== null;

describe("what is paused", () => {
  it.each<[string, PauseScope, boolean]>([
    ["everything", { kind: "everything", cluster: null }, true],
    ["its cluster", { kind: "everything", cluster: "prod-eu" }, true],
    ["another cluster", { kind: "everything", cluster: "prod-us" }, false],
    ["its namespace, in all clusters", { kind: "namespace", cluster: null, namespace: "shop" }, true],
    ["its namespace", { kind: "namespace", cluster: "prod-eu", namespace: "shop" }, true],
    ["its namespace in another cluster", { kind: "namespace", cluster: "prod-us", namespace: "shop" }, false],
    ["another namespace", { kind: "namespace", cluster: null, namespace: "till" }, false],
    ["itself", { kind: "execution", execution: "e1" }, true],
    ["another execution", { kind: "execution", execution: "e2" }, false],
  ])("is a thing where %s is", (_what, scope, expected) => {
    expect(ask(scope)).toBe(expected);
  });
  it("is whatever touches a paused namespace, wherever its target is", () => {
    const drained: readonly Place[] = [{ cluster: "prod-eu", namespace: null }, ...shop];
    expect(ask({ kind: "namespace", cluster: null, namespace: "shop" }, drained)).toBe(true);
    expect(ask({ kind: "namespace", cluster: null, namespace: "shop" }, drained.slice(0, 1))).toBe(false);
  });
  it("is told with the pause that holds longest, and not with one that is over", () => {
    const everything = { kind: "everything", cluster: null } as const;
    const [over, short, long] = ["10:00:00", "10:30:00", "11:00:00"].map((time) =>
      pause(everything, `2026-11-23T${time}.000Z`),
    ) as [Pause, Pause, Pause];
    expect(whyPaused(shop, null, [over], now)).toBeNull();
    expect(whyPaused(shop, null, [short, long, over], now)).toBe(long);
    const open = pause(everything);
    expect(whyPaused(shop, null, [long, open, short], now)).toBe(open);
  });
  it("reads as a sentence", () => {
    const until = "2026-11-23T14:00:00.000Z";
    expect(pauseText(pause({ kind: "namespace", cluster: "prod-eu", namespace: "shop" }, until))).toBe(
      "namespace shop of cluster prod-eu is paused by ana until 2026-11-23 14:00 UTC: migration",
    );
  });
});

describe("the annotation gitmend.dev/paused-until", () => {
  const ref = {
    cluster: "prod-eu",
    apiVersion: "apps/v1",
    kind: "Deployment",
    namespace: "shop",
    name: "api",
  };
  const namespace = {
    cluster: "prod-eu",
    apiVersion: "v1",
    kind: "Namespace",
    namespace: null,
    name: "shop",
  };
  const found = (text: string | undefined, at = ref as typeof ref | typeof namespace) => {
    const annotations = text === undefined ? {} : { "gitmend.dev/paused-until": text };
    const object = { metadata: { name: at.name, annotations } } as unknown as KubernetesObject;
    return annotatedPauses([{ ref: at, object }]);
  };
  it.each([
    ["2026-11-23T14:00:00Z", "2026-11-23T14:00:00.000Z"],
    ["2026-11-23T14:00:00+02:00", "2026-11-23T12:00:00.000Z"],
  ])("pauses until %s", (text, until) => {
    expect(found(text)).toMatchObject([
      { until, source: "annotation", scope: { object: "prod-eu/shop/deploy/api" } },
    ]);
  });
  it("of a namespace pauses what is in it", () => {
    expect(found("2026-11-23T14:00:00Z", namespace)).toMatchObject([
      {
        scope: { kind: "namespace", cluster: "prod-eu", namespace: "shop" },
        by: "an annotation of namespace shop",
      },
    ]);
  });
  it.each(["tomorrow", "", "2026-13-45T99:00:00Z", "2026-11-23"])(
    "pauses and says how it is written when it is %j: somebody meant it to",
    (text) => {
      expect(found(text)).toMatchObject([
        { until: null, reason: expect.stringContaining("write 2026-11-23T14:00:00Z") },
      ]);
    },
  );
  it("is not there on most objects, or the object is gone", () => {
    expect(found(undefined)).toEqual([]);
    expect(annotatedPauses([{ ref, object: null }])).toEqual([]);
  });
});
