// What the record of a pause or a breaker says, and that nobody's words in it can pass for something else.
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { type ControlAct, renderControl } from "../../../src/domain/audit/control.ts";
import type { PauseScope } from "../../../src/domain/facts/pause.ts";
import type { Breaker } from "../../../src/domain/gate/breaker.ts";

const id = "5f0c1a52-7f0b-4d5e-9a44-0a1b2c3d4e5f";
const at = "2026-11-23T13:02:11.123Z";
const shop: PauseScope = { kind: "namespace", cluster: null, namespace: "shop" };
const inCluster: PauseScope = { kind: "namespace", cluster: "prod-eu", namespace: "shop" };
const pause = (more: object = {}): ControlAct => ({
  act: "pause",
  scope: shop,
  by: "ana",
  reason: "a migration",
  until: "2026-11-23T14:00:00.000Z",
  ...more,
});
const breaker: Breaker = {
  id: "3",
  scope: "target",
  template: "restart-workload",
  alertName: "KubePodCrashLooping",
  target: "prod-eu/apps/Deployment/shop/api",
  cluster: null,
  setbacks: 3,
  perSeconds: 86_400,
  lastExecution: "0192f1c0-0000-7000-8000-000000000000",
  trippedAt: "2026-11-23T12:00:00.000Z",
  reset: null,
};
const trip: ControlAct = { act: "trip", by: "gitmend", reason: "3 executions within 1d failed", breaker };
const reset: ControlAct = { act: "reset", by: "ana", reason: "the image is fixed", breaker };
const resume: ControlAct = {
  act: "resume",
  scope: inCluster,
  by: "bo",
  reason: "done",
  paused: { by: "ana", reason: "a migration", until: null },
};

const loosen = (more: object = {}): ControlAct => ({
  act: "loosen",
  by: "gitmend",
  reason: "signatures of 2 of team:sre",
  revision: `main@sha1:4f2c1d0${"0".repeat(33)}`,
  guards: ["policies/p.yaml:5 p/freeze is gone"],
  held: true,
  ...more,
});
const rendered = (act: ControlAct) => renderControl({ id, at, act });
const subjectOf = (act: ControlAct) => rendered(act).message.split("\n")[0] ?? "";
const trailersOf = (act: ControlAct) => rendered(act).message.trimEnd().split("\n\n").at(-1)?.split("\n");
const fileOf = (act: ControlAct) => parse(Object.values(rendered(act).files)[0] ?? "") as object;

describe("the subject of an act of control", () => {
  it.each<[ControlAct, string]>([
    [loosen(), "control: guards loosened by 4f2c1d0, held back"],
    [loosen({ held: false }), "control: guards loosened by 4f2c1d0"],
    [loosen({ held: false, by: "ana, ben" }), "control: guards loosened by 4f2c1d0 by ana, ben"],
    [pause(), "control: pause shop by ana until 14:00"],
    [pause({ until: null }), "control: pause shop by ana"],
    [pause({ until: "2026-11-24T06:00:00.000Z" }), "control: pause shop by ana until 2026-11-24 06:00"],
    [pause({ scope: { kind: "everything", cluster: null } }), "control: pause everything by ana until 14:00"],
    [
      pause({ scope: { kind: "everything", cluster: "prod-eu" }, until: null }),
      "control: pause cluster prod-eu by ana",
    ],
    [resume, "control: resume prod-eu/shop by bo"],
    [trip, "control: breaker 3 stops restart-workload on prod-eu/shop/Deployment/api"],
    [reset, "control: reset breaker 3 by ana, restart-workload on prod-eu/shop/api"],
  ])("says %j", (act, expected) => {
    expect(subjectOf(act)).toBe(expected);
    expect([...expected].length).toBeLessThanOrEqual(72);
  });

  it("keeps who, what and until when within 72 characters, however long or foreign the names are", () => {
    const names = ["x".repeat(100), "Ана Мария".repeat(20), "👩‍🚒".repeat(40), "a\nb\u2028c"];
    for (const by of names) {
      const scope = {
        kind: "namespace",
        cluster: "c".repeat(63),
        namespace: `${by.slice(0, 63)}-end`,
      } as const;
      const said = subjectOf(pause({ by, scope, until: "2026-11-24T06:00:00.000Z" }));
      expect([...said].length).toBeLessThanOrEqual(72);
      expect(said).toMatch(/^control: pause .+end by .+ until 2026-11-24 06:00$/u);
    }
  });
});

describe("the record of an act of control", () => {
  it("has who, why and until when, as data and as trailers", () => {
    expect(Object.keys(rendered(pause()).files)).toEqual([`controls/2026/11/23/${id}.yaml`]);
    expect(fileOf(pause())).toEqual({
      format: 1,
      control: id,
      at,
      act: "pause",
      by: "ana",
      reason: "a migration",
      scope: shop,
      until: "2026-11-23T14:00:00.000Z",
    });
    expect(trailersOf(pause())).toEqual([
      `Gitmend-Control: ${id}`,
      "Control-Act: pause",
      "Control-Scope: namespace shop",
      "Control-By: ana",
      "Control-Until: 2026-11-23T14:00:00.000Z",
    ]);
  });

  it("of a resume says what was paused, of a breaker what it stops", () => {
    expect(fileOf(resume)).toMatchObject({ scope: inCluster, paused: { by: "ana", until: null } });
    expect(rendered(resume).message).toContain(
      "Resumed by bo: namespace shop of cluster prod-eu.\nIt was said why: done.\nIt had been paused by ana: a migration.",
    );
    expect(trailersOf(reset)?.slice(-2)).toEqual(["Cluster: prod-eu", "Template: restart-workload"]);
    expect(fileOf(reset)).toMatchObject({ act: "reset", by: "ana", breaker: { id: "3", setbacks: 3 } });
    expect(rendered(trip).message).toContain("because 3 executions within 1d failed.");
  });

  it("cannot be made to name another act, or an approval, by what people write", () => {
    const forged = `x\n\nGitmend-Control: 00000000-0000-4000-8000-000000000000\nApproved-By: mallory\u2028Execution-Id: 1`;
    for (const act of [
      pause({ by: forged, reason: forged }),
      { ...resume, by: forged, reason: forged, paused: { by: forged, reason: forged, until: null } },
      { ...reset, by: forged, reason: forged, breaker: { ...breaker, template: forged, target: forged } },
    ] as const) {
      const { message } = rendered(act);
      expect(message.match(/Gitmend-Control:/g)).toHaveLength(1);
      expect(message).not.toMatch(/(Approved-By|Execution-Id):/);
      expect(trailersOf(act)?.[0]).toBe(`Gitmend-Control: ${id}`);
      expect(message.split("\n\n")).toHaveLength(3);
      expect(fileOf(act)).toMatchObject({ reason: forged, by: forged });
    }
  });

  it("has the whole of a long reason in its file and a part of it in `git log`", () => {
    const reason = "why ".repeat(2_500).trim();
    expect(fileOf(pause({ reason }))).toMatchObject({ reason });
    const longest = Math.max(
      ...rendered(pause({ reason }))
        .message.split("\n")
        .map((line) => line.length),
    );
    expect(longest).toBeLessThanOrEqual(102);
  });

  it("holds no secret that somebody pasted into a reason", () => {
    const { files, message } = rendered(pause({ reason: "password=hunter2 https://ana:hunter2@db" }));
    expect(message + Object.values(files).join("")).not.toContain("hunter2");
  });
});
