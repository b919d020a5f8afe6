// What every AlertStore does, whatever database is below it.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type {
  AlertStore,
  CatalogState,
  DueFiring,
  ExecutionStore,
  Outbox,
} from "../../src/controller/ports.ts";
import type { Alert } from "../../src/domain/facts/alert.ts";
import type { AppliedLimit } from "../../src/domain/gate/limits.ts";
import {
  append,
  delivery,
  ending,
  events,
  newAlert,
  newExecution,
  newId,
  recorded,
  resolved,
  revision,
} from "./store-samples.ts";

export interface AlertStoreUnderTest {
  readonly alerts: AlertStore;
  readonly executions: ExecutionStore;
  readonly catalog: CatalogState;
  readonly outbox: Outbox;
  close(): Promise<void>;
}

/** Everything is kept. */
const year = 365 * 86_400;
const retention = {
  deadLettersSeconds: year,
  alertsSeconds: year,
  evidenceSeconds: year,
  bodiesSeconds: year,
};

export function alertStoreContract(open: () => Promise<AlertStoreUnderTest>): void {
  let store: AlertStoreUnderTest;
  beforeAll(async () => {
    store = await open();
  });
  afterAll(() => store.close());

  const receive = (...alerts: readonly Alert[]) => store.alerts.receive(delivery(...alerts));
  /** The firing of this alert if it is due; claims everything else away. */
  const due = async ({ fingerprint }: Alert, claimSeconds = 600): Promise<DueFiring | undefined> => {
    const taken = await store.alerts.takeDue(100_000, claimSeconds);
    return taken.find(({ alert }) => alert.fingerprint === fingerprint);
  };
  const mustBeDue = async (alert: Alert, claimSeconds?: number): Promise<DueFiring> => {
    const firing = await due(alert, claimSeconds);
    if (firing === undefined) throw new Error(`${alert.fingerprint} is not due`);
    return firing;
  };
  /** A firing with a live execution. */
  const executing = async (changes: Parameters<typeof newExecution>[1] = {}) => {
    const alert = newAlert();
    await receive(alert);
    const decision = newExecution(alert, changes);
    const decided = await store.alerts.decide(await mustBeDue(alert), decision);
    expect(decided).toEqual({ result: "committed" });
    return { alert, decision, id: decision.executionId };
  };

  describe("an alert that is delivered", () => {
    it("opens a firing that is due at once, with what was delivered", async () => {
      const alert = newAlert();
      expect(await receive(alert)).toEqual({ opened: 1, resolved: 0, repeated: 0, deadLetters: 0 });
      const firing = await mustBeDue(alert);
      expect(firing.alert).toEqual(alert);
      expect(firing.undecidedCount).toBe(0);
    });

    it("is one firing when it is delivered again, with another startsAt too", async () => {
      const alert = newAlert();
      await receive(alert);
      const earlier = { ...alert, startsAt: "2026-11-17T09:00:00.000Z" };
      const later = { ...alert, startsAt: "2026-11-17T11:00:00.000Z" };
      expect(await receive(alert, earlier, later)).toMatchObject({ opened: 0, repeated: 3 });
      expect((await mustBeDue(alert)).alert.startsAt).toBe(alert.startsAt);
      expect(await due(alert)).toBeUndefined();
    });

    it("opens nothing when it is late news", async () => {
      const alert = newAlert();
      await receive(alert);
      expect(await receive(resolved(alert))).toMatchObject({ resolved: 1 });
      expect(await receive(alert)).toMatchObject({ opened: 0, repeated: 1 });
      expect(await due(alert)).toBeUndefined();
    });

    it("opens a new firing when it starts after the last end", async () => {
      const alert = newAlert();
      await receive(alert, resolved(alert));
      const again = { ...alert, startsAt: "2026-11-17T10:05:00.001Z" };
      expect(await receive(again)).toMatchObject({ opened: 1 });
      expect((await mustBeDue(alert)).alert.startsAt).toBe(again.startsAt);
    });

    it("is found by those that fire alike: same name, cluster and namespace, open, oldest first", async () => {
      const name = `Alike${newId()}`;
      const exported = { alertname: name, namespace: "monitoring", exported_namespace: "shop" };
      const [own, second, third, ...others] = [
        newAlert({ name }),
        newAlert({ name }),
        newAlert({ name, labels: exported }),
        newAlert({ name, cluster: "prod-us" }),
        newAlert({ name, labels: { alertname: name, namespace: "billing" } }),
        newAlert({ name, labels: { alertname: name } }),
        newAlert({ name: `${name}x` }),
      ] as const;
      const gone = newAlert({ name });
      for (const alert of [own, second, third, ...others, gone, resolved(gone)]) await receive(alert);
      expect(await store.alerts.openAlike(own, 100)).toEqual([second, third]);
      expect(await store.alerts.openAlike(third, 1)).toEqual([own]);
      expect(await store.alerts.openAlike(newAlert({ name, labels: {} }), 100)).toEqual([others[2]]);
    });

    it("is read in the order of the body when one body says both", async () => {
      const alert = newAlert();
      const again = { ...alert, startsAt: "2026-11-17T12:00:00.000Z" };
      expect(await receive(alert, alert, resolved(alert), again)).toEqual({
        opened: 2,
        resolved: 1,
        repeated: 1,
        deadLetters: 0,
      });
      expect((await mustBeDue(alert)).alert.startsAt).toBe(again.startsAt);
    });

    it("is no firing when its resolve came first", async () => {
      const alert = newAlert();
      expect(await receive(resolved(alert))).toMatchObject({ opened: 0, resolved: 0, repeated: 1 });
      expect(await receive(alert)).toMatchObject({ opened: 0, repeated: 1 });
      expect(await due(alert)).toBeUndefined();
    });

    it("stays open when the resolve of an earlier firing comes late", async () => {
      const alert = newAlert({ startsAt: "2026-11-17T12:00:00.000Z" });
      await receive(alert);
      expect(await receive(resolved(alert, "2026-11-17T11:00:00.000Z"))).toMatchObject({
        resolved: 0,
        repeated: 1,
      });
      expect(await due(alert)).toBeDefined();
    });

    it.each(["Watchdog", "InfoInhibitor"])("is no firing when it is %s", async (name) => {
      const [quiet, loud] = [newAlert({ name }), newAlert()];
      const nothing = { opened: 0, resolved: 0, repeated: 0, deadLetters: 0 };
      expect(await receive(quiet, loud)).toEqual({ ...nothing, opened: 1 });
      expect(await receive(resolved(quiet))).toEqual(nothing);
      expect(await due(quiet)).toBeUndefined();
    });

    it("says by its Watchdog that its source lives, until the Watchdog resolves", async () => {
      const source = newId();
      const watchdog = newAlert({ name: "Watchdog" });
      const lastAt = async () =>
        (await store.alerts.watchdogs()).find((known) => known.source === source)?.lastAt;
      await store.alerts.receive({ ...delivery(newAlert()), source });
      expect(await lastAt()).toBeUndefined();
      await store.alerts.receive({ ...delivery(watchdog), source });
      const first = await lastAt();
      await store.alerts.receive({ ...delivery(resolved(watchdog)), source });
      expect(await lastAt()).toBe(first);
      await store.alerts.receive({ ...delivery(watchdog), source });
      expect(Date.parse((await lastAt()) ?? "")).toBeGreaterThan(Date.parse(first ?? ""));
    });

    it("is not lost among 10,000 others of one body", async () => {
      const many = Array.from({ length: 10_000 }, () => newAlert());
      expect(await receive(...many)).toEqual({ opened: 10_000, resolved: 0, repeated: 0, deadLetters: 0 });
      expect(await receive(...many.map((alert) => resolved(alert)))).toMatchObject({ resolved: 10_000 });
    });

    it("becomes a dead letter alone when it cannot be stored", async () => {
      const bad = newAlert({ labels: { alertname: "a\0b" } });
      const good = [newAlert(), newAlert(), newAlert()];
      expect(await receive(good[0]!, bad, good[1]!, good[2]!)).toMatchObject({ opened: 3, deadLetters: 1 });
      const [letter] = await store.alerts.deadLetters({ limit: 1 });
      expect(letter?.reason).toContain("not storable");
      expect(letter?.body).toContain(bad.fingerprint);
    });

    it("leaves the body's dead letters to be read, newest first", async () => {
      const deadLetters = [{ reason: "CLUSTER_NOT_ALLOWED", body: { labels: { cluster: "other" } } }];
      const received = await store.alerts.receive({ ...delivery(newAlert()), deadLetters });
      expect(received).toMatchObject({ opened: 1, deadLetters: 1 });
      const [letter] = await store.alerts.deadLetters({ limit: 1 });
      expect(letter).toMatchObject({ source: "default", reason: "CLUSTER_NOT_ALLOWED" });
      expect(JSON.parse(letter?.body ?? "")).toEqual({ labels: { cluster: "other" } });
    });
  });

  describe("two receivers at once", () => {
    it("open each firing once and neither fails, whatever the order of their bodies", async () => {
      const many = Array.from({ length: 300 }, () => newAlert());
      const bodies = Array.from({ length: 6 }, (_, index) => (index % 2 === 0 ? many : many.toReversed()));
      const received = await Promise.all(bodies.map((body) => receive(...body)));
      expect(received.reduce((sum, { opened }) => sum + opened, 0)).toBe(300);
      const ends = many.map((alert) => resolved(alert));
      const closed = await Promise.all([receive(...ends), receive(...ends.toReversed()), receive(...many)]);
      expect(closed.reduce((sum, { resolved: count }) => sum + count, 0)).toBe(300);
      expect(closed.reduce((sum, { opened }) => sum + opened, 0)).toBe(0);
    });
  });

  describe("a firing that is due", () => {
    it("is given to one taker, and again when the taker did not decide in time", async () => {
      const alert = newAlert();
      await receive(alert);
      const first = await mustBeDue(alert, 0);
      const second = await mustBeDue(alert, 600);
      expect(await due(alert)).toBeUndefined();
      const decision = { kind: "undecided", revision, reasons: ["no history"], retrySeconds: 0 } as const;
      expect(await store.alerts.decide(first, decision)).toEqual({ result: "stale" });
      expect(await store.alerts.decide(second, decision)).toEqual({ result: "committed" });
      expect((await mustBeDue(alert)).undecidedCount).toBe(1);
    });

    it("is stale for its decider when it was resolved meanwhile", async () => {
      const alert = newAlert();
      await receive(alert);
      const firing = await mustBeDue(alert);
      await receive(resolved(alert));
      const decision = newExecution(alert);
      expect(await store.alerts.decide(firing, decision)).toEqual({ result: "stale" });
      expect(await store.executions.find(decision.executionId)).toBeNull();
    });

    it("waits for the catalog to change when nothing matched", async () => {
      const alert = newAlert();
      await store.catalog.set(revision);
      await receive(alert);
      const decision = { kind: "no-match", revision, reasons: ["no rule names it"] } as const;
      expect(await store.alerts.decide(await mustBeDue(alert), decision)).toEqual({ result: "committed" });
      await store.alerts.keepHouse(43_200, retention);
      expect(await due(alert)).toBeUndefined();
      await store.alerts.wakeUnmatched();
      expect(await due(alert)).toBeDefined();
    });

    it("does not miss a catalog that changed while it was decided", async () => {
      const alert = newAlert();
      await store.catalog.set(revision);
      await receive(alert);
      await store.alerts.decide(await mustBeDue(alert), { kind: "no-match", revision, reasons: [] });
      await store.catalog.set(`main@sha1:${"b".repeat(40)}`);
      await store.alerts.keepHouse(43_200, retention);
      expect(await due(alert)).toBeDefined();
    });

    it("starts nothing when it was not delivered for long, and is due when it is delivered again", async () => {
      const alert = newAlert();
      await receive(alert);
      await store.alerts.keepHouse(0, retention);
      expect(await due(alert)).toBeUndefined();
      expect(await receive(alert)).toMatchObject({ opened: 0, repeated: 1 });
      expect(await due(alert)).toBeDefined();
    });
  });

  describe("a decision for an execution", () => {
    it("commits execution, events, claim and the record's first milestone together", async () => {
      const { decision, id } = await executing();
      expect(await store.alerts.liveExecution(decision.claimKey!)).toBe(id);
      expect(await store.executions.events(id)).toEqual(decision.events);
      expect(await store.executions.find(id)).toMatchObject({
        phase: "running",
        incidentId: decision.incidentId,
      });
      const entries = (await store.outbox.take(1_000)).filter(({ executionId }) => executionId === id);
      expect(entries).toMatchObject([{ milestone: "planned", seq: 2 }]);
    });

    it("knows how bad the open firings are that belong to it", async () => {
      const { id, alert } = await executing();
      const severity = alert.severity.toLowerCase();
      expect(await store.alerts.hasFiringOf(id, ["nothing", severity])).toBe(true);
      expect(await store.alerts.hasFiringOf(id, ["nothing"])).toBe(false);
      expect(await store.alerts.hasFiringOf(newId(), [severity])).toBe(false);
    });

    it("is recognised when it is repeated because its answer was lost", async () => {
      const alert = newAlert();
      await receive(alert);
      const firing = await mustBeDue(alert);
      const decision = newExecution(alert);
      await store.alerts.decide(firing, decision);
      expect(await store.alerts.decide(firing, decision)).toEqual({ result: "committed" });
      expect(await store.executions.events(decision.executionId)).toHaveLength(2);
    });

    it("is busy with the execution that holds the claim, joins it, and that one is told", async () => {
      const { decision: running, id } = await executing();
      const alert = newAlert();
      await receive(alert);
      const firing = await mustBeDue(alert);
      const second = newExecution(alert, { claimKey: running.claimKey });
      expect(await store.alerts.decide(firing, second)).toEqual({ result: "busy", executionId: id });
      expect(await store.executions.find(second.executionId)).toBeNull();
      const joined = { kind: "joined", revision, executionId: id, reasons: [] } as const;
      expect(await store.alerts.decide(firing, joined)).toEqual({ result: "committed" });
      const commands = (await store.executions.commands()).filter(({ executionId }) => executionId === id);
      expect(commands.map(({ command }) => command)).toEqual([{ type: "alert-joined", alert }]);
      expect(await due(alert)).toBeUndefined();
      await store.executions.append(ending(id, 2));
      expect(await due(alert)).toBeDefined();
    });

    it("is due again at once when the execution that it wanted to join has ended", async () => {
      const { id } = await executing();
      const alert = newAlert();
      await receive(alert);
      const firing = await mustBeDue(alert);
      await store.executions.append(ending(id, 2));
      const joined = { kind: "joined", revision, executionId: id, reasons: [] } as const;
      expect(await store.alerts.decide(firing, joined)).toEqual({ result: "stale" });
      expect(await due(alert)).toBeDefined();
    });

    it("is taken before others that wait longer when it is critical, whatever its rules call that", async () => {
      await store.alerts.takeDue(100_000, 600);
      const severities = ["warning", "", "info", "Critical", "error", "page"];
      const alerts = severities.map((severity) => newAlert({ severity }));
      for (const alert of alerts) await receive(alert);
      const taken: string[][] = [];
      for (let round = 0; round < 3; round += 1)
        taken.push((await store.alerts.takeDue(3, 600)).map(({ alert }) => alert.severity).toSorted());
      expect(taken).toEqual([["Critical", "page", "warning"], ["", "error", "info"], []]);
    });

    it("gives one claim to one of many deciders", async () => {
      const alerts = Array.from({ length: 8 }, () => newAlert());
      await receive(...alerts);
      const taken = await store.alerts.takeDue(100_000, 600);
      const claimKey = `prod-eu/${newId()}`;
      const results = await Promise.all(
        alerts.map((alert) => {
          const firing = taken.find((candidate) => candidate.alert.fingerprint === alert.fingerprint);
          if (firing === undefined) throw new Error("not due");
          return store.alerts.decide(firing, newExecution(alert, { claimKey }));
        }),
      );
      const holder = await store.alerts.liveExecution(claimKey);
      expect(results.filter(({ result }) => result === "committed")).toHaveLength(1);
      expect(
        results.filter((decided) => decided.result === "busy" && decided.executionId === holder),
      ).toHaveLength(7);
    });

    it("uses the open incident of the same key again, in the events too", async () => {
      const key = newId();
      await executing({ incidentKey: key, incidentId: "incident-1" });
      const { id } = await executing({ incidentKey: key, incidentId: "incident-2" });
      expect(await store.executions.find(id)).toMatchObject({ incidentId: "incident-1" });
      const [first] = await store.executions.events(id);
      expect(first?.event).toMatchObject({ type: "ExecutionRequested", incident: "incident-1" });
    });

    it("claims nothing and waits for the cool-down when it was only observed", async () => {
      const alert = newAlert();
      await receive(alert);
      const decision = newExecution(alert, {
        mode: "observe",
        cooldownSeconds: 0,
        events: recorded(0, events.requested(alert, "i"), events.gate, events.ended),
        projection: { phase: "ended", outcome: "observed", escalated: false },
      });
      await store.alerts.decide(await mustBeDue(alert), decision);
      expect(await store.alerts.liveExecution(decision.claimKey!)).toBeNull();
      const entries = (await store.outbox.take(1_000)).filter(
        ({ executionId }) => executionId === decision.executionId,
      );
      expect(entries.map(({ milestone, seq }) => [milestone, seq])).toEqual([
        ["planned", 2],
        ["ended", 3],
      ]);
      expect(await due(alert)).toBeDefined();
    });

    it("is found in the history of its alert name and target alone", async () => {
      const { decision, id, alert } = await executing();
      await store.executions.append(ending(id, 2));
      const { attempts } = await store.alerts.history(alert.name, decision.target!);
      expect(attempts).toMatchObject([{ template: "rollback-workload", outcome: "succeeded" }]);
      expect(await store.alerts.history("Other", decision.target!)).toEqual({ attempts: [] });
      expect(await store.alerts.history(alert.name, { ...decision.target!, name: "other" })).toEqual({
        attempts: [],
      });
    });

    it("is known as rejected for its template and target, and for no other", async () => {
      const { decision, id } = await executing();
      const target = decision.target!;
      expect(await store.alerts.rejectedBefore(decision.template, target)).toBe(false);
      const projection = { phase: "ended", outcome: "rejected", escalated: false } as const;
      await store.executions.append(ending(id, 2, { projection }));
      expect(await store.alerts.rejectedBefore(decision.template, target)).toBe(true);
      expect(await store.alerts.rejectedBefore("another-template", target)).toBe(false);
      expect(await store.alerts.rejectedBefore(decision.template, { ...target, name: "other" })).toBe(false);
    });
  });

  describe("limits", () => {
    const place = () => `namespace/prod-eu/${newId()}`;
    const limit = (key: string, parts: Partial<AppliedLimit>): AppliedLimit => ({
      rule: "p/limit",
      scope: "namespace",
      running: null,
      starts: null,
      perSeconds: 3_600,
      keys: [key],
      ...parts,
    });
    const decideWith = async (countsIn: readonly string[], limits: readonly AppliedLimit[]) => {
      const alert = newAlert();
      await receive(alert);
      const decision = newExecution(alert, { countsIn, limits });
      const firing = await mustBeDue(alert);
      return { alert, firing, decision, decided: await store.alerts.decide(firing, decision) };
    };
    const hour = { perSeconds: 3_600 };

    it("count what is live and what was started, each in its places", async () => {
      const [here, there] = [place(), place()];
      await executing({ countsIn: [here] });
      const ended = await executing({ countsIn: [here, there] });
      await executing();
      await store.executions.append(ending(ended.id, 2));
      expect(await store.alerts.usage([here, there, place()], hour)).toEqual(
        new Map([
          [here, { running: 1, starts: 2 }],
          [there, { running: 0, starts: 1 }],
          [expect.any(String), { running: 0, starts: 0 }],
        ]),
      );
    });

    it("count no start of what never ran, and none before their time", async () => {
      const here = place();
      const { id } = await executing({ countsIn: [here] });
      const projection = { phase: "ended", outcome: "rejected", escalated: false } as const;
      await store.executions.append(ending(id, 2, { projection }));
      expect(await store.alerts.usage([here], hour)).toEqual(new Map([[here, { running: 0, starts: 0 }]]));
      await executing({ countsIn: [here] });
      expect(await store.alerts.usage([here], { perSeconds: 0 })).toEqual(
        new Map([[here, { running: 1, starts: 0 }]]),
      );
    });

    it("do not count an execution itself, nor what came after it", async () => {
      const here = place();
      const first = await executing({ countsIn: [here] });
      const second = await executing({ countsIn: [here] });
      const before = (id: string) => store.alerts.usage([here], { ...hour, before: id });
      const [earlier, later] = [first.id, second.id].toSorted();
      expect(await before(earlier ?? "")).toEqual(new Map([[here, { running: 0, starts: 0 }]]));
      expect(await before(later ?? "")).toEqual(new Map([[here, { running: 1, starts: 1 }]]));
    });

    it("refuse what would be one too many, and write nothing of it", async () => {
      const here = place();
      await executing({ countsIn: [here] });
      const one = limit(here, { running: 1 });
      const { alert, firing, decision, decided } = await decideWith([here], [one]);
      expect(decided).toEqual({
        result: "limited",
        limit: one,
        reason: `1 are under way in ${here}, at most 1 may be`,
      });
      expect(await store.executions.events(decision.executionId)).toEqual([]);
      expect(await store.alerts.liveExecution(decision.claimKey ?? "")).toBeNull();
      const again = newExecution(alert, { countsIn: [here] });
      expect(await store.alerts.decide(firing, again), "the firing is still theirs").toEqual({
        result: "committed",
      });
    });

    it("let it pass once one has ended, until the starts are used up", async () => {
      const here = place();
      const { id } = await executing({ countsIn: [here] });
      await store.executions.append(ending(id, 2));
      const one = [limit(here, { running: 1, starts: 2 })];
      expect((await decideWith([here], one)).decided).toEqual({ result: "committed" });
      expect((await decideWith([here], [limit(here, { starts: 2 })])).decided).toMatchObject({
        result: "limited",
        reason: `2 were started in ${here} within 1h, at most 2 may be`,
      });
    });

    it("by share count each node once, of what runs and of what was begun lately", async () => {
      const nodes = `nodes/${newId()}`;
      const takes = (...names: readonly string[]) => ({
        countsIn: [nodes, ...names.map((name) => `${nodes}#${name}`)],
      });
      const first = await executing(takes("a", "b"));
      const rejected = await executing(takes("never"));
      await executing(takes("b"));
      const projection = { phase: "ended", outcome: "rejected", escalated: false } as const;
      await store.executions.append(ending(rejected.id, 2, { projection }));
      await store.executions.append(ending(first.id, 2));
      expect(await store.alerts.takenOut([nodes, `${nodes}x`], hour)).toEqual(new Map([[nodes, ["a", "b"]]]));
      expect(await store.alerts.takenOut([nodes], { perSeconds: 0 }), "only what runs").toEqual(
        new Map([[nodes, ["b"]]]),
      );
      expect(await store.alerts.takenOut([nodes], { ...hour, before: first.id })).toEqual(new Map());
      const part = { scope: "cluster", cluster: "prod-eu", key: nodes, members: ["c"], total: 20 } as const;
      const share = (percent: number) => limit(newId(), { scope: "cluster", share: percent, parts: [part] });
      expect((await decideWith(takes("c").countsIn, [share(10)])).decided).toMatchObject({
        result: "limited",
        reason: `3 of 20 nodes of ${nodes} would have been touched within 1h, 2 of them already; at most 2 (10%) may be`,
      });
      expect((await decideWith(takes("c").countsIn, [share(15)])).decided).toEqual({ result: "committed" });
    });

    it("come after the claim: whose target is busy joins, and is not refused for it", async () => {
      const here = place();
      const holder = await executing({ countsIn: [here] });
      const alert = newAlert();
      await receive(alert);
      const { claimKey } = holder.decision;
      const decision = newExecution(alert, {
        claimKey,
        countsIn: [here],
        limits: [limit(here, { running: 1 })],
      });
      expect(await store.alerts.decide(await mustBeDue(alert), decision)).toEqual({
        result: "busy",
        executionId: holder.id,
      });
    });

    it("count starts by hand too", async () => {
      const here = place();
      const one = { countsIn: [here], limits: [limit(here, { running: 1 })] };
      expect(await store.alerts.start("manual", newExecution(newAlert(), one))).toEqual({
        result: "committed",
      });
      expect(await store.alerts.start("manual", newExecution(newAlert(), one))).toMatchObject({
        result: "limited",
      });
    });

    it("let exactly as many pass as they allow when twenty decide at once", async () => {
      const here = place();
      const alerts = Array.from({ length: 20 }, () => newAlert());
      await receive(...alerts);
      const due20 = await store.alerts.takeDue(100_000, 600);
      const firings = due20.filter(({ alert }) =>
        alerts.some(({ fingerprint }) => fingerprint === alert.fingerprint),
      );
      expect(firings).toHaveLength(20);
      const limits = [limit(here, { running: 3 }), limit("global", { running: 100_000, keys: ["global"] })];
      const decided = await Promise.all(
        firings.map((firing) =>
          store.alerts.decide(firing, newExecution(firing.alert, { countsIn: ["global", here], limits })),
        ),
      );
      const results = decided.map(({ result }) => result).toSorted();
      expect(results).toEqual([...Array(3).fill("committed"), ...Array(17).fill("limited")]);
      expect(await store.alerts.usage([here], hour)).toEqual(new Map([[here, { running: 3, starts: 3 }]]));
    });
  });

  describe("a firing with a live execution", () => {
    it("is not decided, and its resolve tells the execution", async () => {
      const { alert, id } = await executing();
      await receive(alert);
      expect(await due(alert)).toBeUndefined();
      await receive(resolved(alert));
      const commands = (await store.executions.commands()).filter(({ executionId }) => executionId === id);
      expect(commands.map(({ command }) => command)).toEqual([
        {
          type: "alert-resolved",
          cluster: alert.cluster,
          fingerprint: alert.fingerprint,
          endsAt: "2026-11-17T10:05:00.000Z",
        },
      ]);
    });

    it("is due again after the cool-down when the execution ends", async () => {
      const soon = await executing({ cooldownSeconds: 0 });
      const later = await executing({ cooldownSeconds: 600 });
      const running = await executing();
      await Promise.all([
        store.executions.append(ending(soon.id, 2)),
        store.executions.append(ending(later.id, 2)),
        store.executions.append(append(running.id, 2)),
      ]);
      expect(await due(soon.alert)).toBeDefined();
      expect(await due(later.alert)).toBeUndefined();
    });

    it("stays resolved when the execution ends after it", async () => {
      const { alert, id } = await executing();
      await receive(resolved(alert));
      await store.executions.append(ending(id, 2));
      await store.alerts.keepHouse(43_200, retention);
      expect(await due(alert)).toBeUndefined();
      expect(await store.executions.commands()).not.toContainEqual(
        expect.objectContaining({ executionId: id }),
      );
    });
  });
}
