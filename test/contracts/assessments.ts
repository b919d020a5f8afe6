// What every store of Assessments does, whatever database is below it. Times are the database's: what is due is due now (a delay
// of 0 s) or in an hour.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Assessments, DueAssessment } from "../../src/controller/ports.ts";
import type { AssessmentMade, Verdict } from "../../src/domain/execution/events.ts";
import type { Alert } from "../../src/domain/facts/alert.ts";
import type { AlertStoreUnderTest } from "./alert-store.ts";
import { at, delivery, ending, newAlert, newExecution, resolved } from "./store-samples.ts";

export interface AssessmentsUnderTest extends AlertStoreUnderTest {
  readonly assessments: Assessments;
}

const future = "2100-01-01T00:00:00.000Z";
const past = "2000-01-01T00:00:00.000Z";

export function assessmentsContract(open: () => Promise<AssessmentsUnderTest>): void {
  let store: AssessmentsUnderTest;
  beforeAll(async () => {
    store = await open();
  });
  afterAll(() => store.close());

  /** An execution that has ended with `version` 3, to be assessed after so many seconds. */
  const ended = async (
    after: number | null,
    changes: Parameters<typeof newExecution>[1] = {},
    alert: Alert = newAlert(),
  ) => {
    await store.alerts.receive(delivery(alert));
    const due = await store.alerts.takeDue(100_000, 600);
    const firing = due.find((one) => one.alert.fingerprint === alert.fingerprint);
    const execution = newExecution(alert, changes);
    await store.alerts.decide(firing!, execution);
    await store.executions.append(ending(execution.executionId, 2, { assessAfterSeconds: after }));
    return { id: execution.executionId, alert, execution };
  };
  const take = async (id: string): Promise<DueAssessment | undefined> =>
    (await store.assessments.takeDue(1_000, 600)).find(({ executionId }) => executionId === id);
  const made = (seq: number, round: number, verdict: Verdict, again: string | null = null) => {
    const event: AssessmentMade = { type: "AssessmentMade", verdict, round, evidence: [], again };
    return { seq, at, version: 1, event };
  };
  /** What is left to decide of the firings of one name. */
  const isDue = async (alert: Alert) =>
    (await store.alerts.takeDue(100_000, 600)).some((one) => one.alert.fingerprint === alert.fingerprint);

  describe("an ended execution", () => {
    it("is due after its delay, for one replica at a time", async () => {
      const { id } = await ended(0);
      const { id: later } = await ended(3_600);
      const { id: never } = await ended(null);
      const due = await store.assessments.takeDue(1_000, 600);
      const ids = due.map(({ executionId }) => executionId);
      expect(ids).toContain(id);
      expect(ids).not.toContain(later);
      expect(ids).not.toContain(never);
      expect(due.find(({ executionId }) => executionId === id)).toMatchObject({ round: 1, waitedSeconds: 0 });
      expect(await take(id)).toBeUndefined();
    });

    it("is due again after a claim that came to nothing, and when it was put off", async () => {
      const { id } = await ended(0);
      const [first] = (await store.assessments.takeDue(1_000, 0)).filter(
        ({ executionId }) => executionId === id,
      );
      const second = await take(id);
      expect(second!.claim).toBeGreaterThan(first!.claim);
      await store.assessments.putOff(first!, 0);
      expect(await take(id)).toBeUndefined();
      await store.assessments.putOff(second!, 0);
      expect(await take(id)).toMatchObject({ round: 1 });
    });
  });

  describe("a verdict", () => {
    it("is the one event after the end, with a record of its own for each round", async () => {
      const { id } = await ended(0);
      const first = await take(id);
      expect(await store.assessments.commit(first!, made(4, 1, "inconclusive", past), [])).toBe(true);
      const second = await take(id);
      expect(second).toMatchObject({ round: 2, waitedSeconds: 0 });
      expect(await store.assessments.commit(second!, made(5, 2, "effective"), [])).toBe(true);
      expect(await take(id)).toBeUndefined();
      const types = (await store.executions.events(id)).map(({ event }) => event.type);
      expect(types.slice(2)).toEqual(["Ended", "AssessmentMade", "AssessmentMade"]);
      const entries = (await store.outbox.take(10_000)).filter(({ executionId }) => executionId === id);
      expect(entries.map(({ milestone, seq }) => [milestone, seq])).toEqual([
        ["planned", 2],
        ["ended", 3],
        ["assessed", 4],
        ["assessed", 5],
      ]);
    });

    it("waits for its next round", async () => {
      const { id } = await ended(0);
      await store.assessments.commit((await take(id))!, made(4, 1, "inconclusive", future), []);
      expect(await take(id)).toBeUndefined();
    });

    it("of an older claim is stale, and so is one about an older stream", async () => {
      const { id } = await ended(0);
      const [older] = (await store.assessments.takeDue(1_000, 0)).filter(
        ({ executionId }) => executionId === id,
      );
      const newer = await take(id);
      expect(await store.assessments.commit(older!, made(4, 1, "effective"), [])).toBe(false);
      expect(await store.assessments.commit(newer!, made(3, 1, "effective"), [])).toBe(false);
      expect(await store.assessments.commit(newer!, made(5, 1, "effective"), [])).toBe(false);
      const both = [1, 2].map(() => store.assessments.commit(newer!, made(4, 1, "effective"), []));
      expect((await Promise.all(both)).filter(Boolean)).toHaveLength(1);
      expect(await store.executions.events(id)).toHaveLength(4);
    });

    it("is not for an execution that lives", async () => {
      const { id } = await ended(0);
      const due = await take(id);
      const alert = newAlert();
      await store.alerts.receive(delivery(alert));
      const firing = (await store.alerts.takeDue(100_000, 600)).find(
        (one) => one.alert.fingerprint === alert.fingerprint,
      );
      const live = newExecution(alert);
      await store.alerts.decide(firing!, live);
      expect(
        await store.assessments.commit(
          { ...due!, executionId: live.executionId },
          made(3, 1, "effective"),
          [],
        ),
      ).toBe(false);
    });
  });

  describe("what still fires", () => {
    it("is of the same name and cluster, what belongs to the target first", async () => {
      const name = `Alert${Math.random()}`;
      const strange = newAlert({ name });
      await store.alerts.receive(delivery(strange, newAlert({ name, cluster: "other" }), newAlert()));
      const { id, alert, execution } = await ended(0, {}, newAlert({ name }));
      const { alert: again } = await ended(
        0,
        { target: execution.target, incidentKey: "another" },
        newAlert({ name }),
      );
      const ended_ = newAlert({ name });
      await store.alerts.receive(delivery(ended_));
      await store.alerts.receive(delivery(resolved(ended_)));
      const found = await store.assessments.firings(id, 10);
      expect(found.map(({ own, alert: { fingerprint } }) => [own, fingerprint])).toEqual([
        [true, alert.fingerprint],
        [true, again.fingerprint],
        [false, strange.fingerprint],
      ]);
      expect(found[0]?.alert).toMatchObject({
        name,
        cluster: "prod-eu",
        labels: alert.labels,
        startsAt: alert.startsAt,
      });
      expect(await store.assessments.firings(id, 1)).toHaveLength(1);
    });

    it("is decided again when the remedy did not help, where nothing else would wake it", async () => {
      const { id, alert } = await ended(0);
      const due = await take(id);
      const [firing] = await store.alerts.takeDue(100_000, 600);
      expect(firing?.alert.fingerprint).toBe(alert.fingerprint);
      await store.alerts.decide(firing!, { kind: "no-match", revision: "main@sha1:1", reasons: [] });
      expect(await isDue(alert)).toBe(false);
      expect(await store.assessments.commit(due!, made(4, 1, "ineffective"), [firing!.id])).toBe(true);
      expect(await isDue(alert)).toBe(true);
    });

    it("is left to its cool-down", async () => {
      const { id, alert } = await ended(0, { cooldownSeconds: 3_600 });
      const [firing] = await store.assessments.firings(id, 1);
      await store.assessments.commit((await take(id))!, made(4, 1, "ineffective"), [firing!.id]);
      expect(await isDue(alert)).toBe(false);
    });
  });
}
