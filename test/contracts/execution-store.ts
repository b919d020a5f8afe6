// What every ExecutionStore does, whatever database is below it.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { toProblem } from "../../src/domain/problem.ts";
import type { AlertStoreUnderTest } from "./alert-store.ts";
import {
  append,
  delivery,
  ending,
  events,
  newAlert,
  newExecution,
  newId,
  recorded,
} from "./store-samples.ts";

export function executionStoreContract(open: () => Promise<AlertStoreUnderTest>): void {
  let store: AlertStoreUnderTest;
  beforeAll(async () => {
    store = await open();
  });
  afterAll(() => store.close());

  /** A live execution with two events. */
  const started = async (changes: Parameters<typeof newExecution>[1] = {}) => {
    const alert = newAlert();
    await store.alerts.receive(delivery(alert));
    const firing = (await store.alerts.takeDue(100_000, 600)).find(
      (due) => due.alert.fingerprint === alert.fingerprint,
    );
    if (firing === undefined) throw new Error("not due");
    const decision = newExecution(alert, changes);
    expect(await store.alerts.decide(firing, decision)).toEqual({ result: "committed" });
    return decision;
  };
  const manyStarted = async (count: number) => {
    const ids: string[] = [];
    for (let index = 0; index < count; index += 1) ids.push((await started()).executionId);
    return ids;
  };
  const codeOf = (work: Promise<unknown>) =>
    work.then(
      () => "done",
      (error: unknown) => toProblem(error).code,
    );

  describe("an append", () => {
    it("is read back word for word, in order", async () => {
      const { executionId: id, events: first } = await started();
      const more = recorded(2, events.skipped('"quoted" \\ 1e21 ü \u2028'), events.skipped("two"));
      await store.executions.append(
        append(id, 2, { events: more, projection: { phase: "waiting", outcome: null, escalated: true } }),
      );
      expect(await store.executions.events(id)).toEqual([...first, ...more]);
      expect(await store.executions.find(id)).toMatchObject({ phase: "waiting", escalated: true });
    });

    it("loses against events that are there already", async () => {
      const { executionId: id } = await started();
      await store.executions.append(append(id, 2));
      const other = append(id, 2, { events: recorded(2, events.skipped("other")) });
      expect(await codeOf(store.executions.append(other))).toBe("EXECUTION_MOVED_ON");
      expect(await codeOf(store.executions.append(append(id, 7)))).toBe("EXECUTION_MOVED_ON");
      expect(await store.executions.events(id)).toHaveLength(3);
    });

    it("loses in another epoch and for an unknown execution", async () => {
      const { executionId: id } = await started();
      expect(await codeOf(store.executions.append(append(id, 2, { epoch: 2 })))).toBe("EXECUTION_MOVED_ON");
      expect(await codeOf(store.executions.append(append(newId(), 0)))).toBe("EXECUTION_MOVED_ON");
      expect(await store.executions.events(id)).toHaveLength(2);
    });

    it("is done when the same append was stored before and its answer was lost", async () => {
      const { executionId: id } = await started();
      await store.executions.append(append(id, 2));
      await store.executions.append(append(id, 2));
      await store.executions.append(ending(id, 3));
      await store.executions.append(ending(id, 3));
      expect(await store.executions.events(id)).toHaveLength(4);
    });

    it("fails alone when the database refuses it, and the others of its batch are stored", async () => {
      const ids = await manyStarted(9);
      const bad = ids[4];
      const results = await Promise.all(
        ids.map((id) => {
          const text = id === bad ? "a\0b" : "fine";
          return codeOf(
            store.executions.append(append(id, 2, { events: recorded(2, events.skipped(text)) })),
          );
        }),
      );
      expect(results).toEqual(ids.map((id) => (id === bad ? "INTERNAL" : "done")));
      for (const id of ids) expect(await store.executions.events(id)).toHaveLength(id === bad ? 2 : 3);
    });

    it("keeps the order of one execution's appends that wait together", async () => {
      const { executionId: id } = await started();
      await Promise.all([2, 3, 4, 5, 6].map((version) => store.executions.append(append(id, version))));
      expect((await store.executions.events(id)).map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    });

    it("stores more events at once than a batch takes", async () => {
      const ids = await manyStarted(5);
      const many = Array.from({ length: 400 }, (_, index) => events.skipped(String(index)));
      await Promise.all(
        ids.map((id) => store.executions.append(append(id, 2, { events: recorded(2, ...many) }))),
      );
      for (const id of ids) expect(await store.executions.events(id)).toHaveLength(402);
    });

    it("after the end is refused", async () => {
      const { executionId: id } = await started();
      await store.executions.append(ending(id, 2));
      expect(await codeOf(store.executions.append(append(id, 3)))).toBe("EXECUTION_MOVED_ON");
    });
  });

  describe("the end of an execution", () => {
    it("frees its claims and asks for its record", async () => {
      const { executionId: id, claimKey } = await started();
      expect(await store.executions.claim(id, ["prod-eu/other-object"])).toBe(true);
      await store.executions.append(ending(id, 2));
      expect(await store.alerts.liveExecution(claimKey!)).toBeNull();
      const { executionId: next } = await started({ claimKey });
      expect(await store.executions.claim(next, ["prod-eu/other-object"])).toBe(true);
      await store.executions.append(ending(next, 2));
      const entries = (await store.outbox.take(10_000)).filter(({ executionId }) => executionId === id);
      expect(entries.map(({ milestone, seq }) => [milestone, seq])).toEqual([
        ["planned", 2],
        ["ended", 3],
      ]);
    });
  });

  describe("commands", () => {
    it("reach the owner in order and go with the events that answer them", async () => {
      const { executionId: id } = await started();
      const cancel = { type: "cancel", by: "ana", reason: "wrong", keep: false } as const;
      expect(await store.executions.send(id, cancel)).toBe(true);
      expect(await store.executions.send(id, { ...cancel, by: "ben" })).toBe(true);
      const mine = async () =>
        (await store.executions.commands()).filter(({ executionId }) => executionId === id);
      const [first, second] = await mine();
      expect([first?.command, second?.command]).toMatchObject([{ by: "ana" }, { by: "ben" }]);
      await store.executions.append(append(id, 2, { commands: [first?.id ?? ""] }));
      expect((await mine()).map((command) => command.id)).toEqual([second?.id]);
      await store.executions.append(ending(id, 3));
      expect(await mine()).toEqual([]);
    });

    it("that need no answer go without events, and do not come again", async () => {
      const { executionId: id } = await started();
      const cancel = { type: "cancel", by: "ana", reason: "twice", keep: false } as const;
      await store.executions.send(id, cancel);
      const mine = async () =>
        (await store.executions.commands()).filter(({ executionId }) => executionId === id);
      const [command] = await mine();
      await store.executions.append(append(id, 2, { events: [], commands: [command?.id ?? ""] }));
      expect(await mine()).toEqual([]);
      expect(await store.executions.events(id)).toHaveLength(2);
      await store.executions.append(append(id, 2));
      await store.executions.send(id, cancel);
      const stale = { epoch: 7, events: [], commands: [(await mine())[0]?.id ?? ""] };
      expect(await codeOf(store.executions.append(append(id, 3, stale)))).toBe("EXECUTION_MOVED_ON");
      expect(await mine()).toHaveLength(1);
    });

    it("are refused by what has ended or never was", async () => {
      const { executionId: id } = await started();
      await store.executions.append(ending(id, 2));
      const cancel = { type: "cancel", by: "ana", reason: "late", keep: false } as const;
      expect(await store.executions.send(id, cancel)).toBe(false);
      expect(await store.executions.send(newId(), cancel)).toBe(false);
    });
  });

  describe("claims of objects", () => {
    it("are had all or none, and held ones count", async () => {
      const { executionId: one, claimKey } = await started();
      const { executionId: two } = await started();
      const [a, b, c] = [newId(), newId(), newId()];
      expect(await store.executions.claim(one, [claimKey!, b, b])).toBe(true);
      expect(await store.executions.claim(two, [a, b, c])).toBe(false);
      expect(await store.executions.claim(one, [a, c, claimKey!])).toBe(true);
      expect(await store.alerts.liveExecution(a)).toBe(one);
    });

    it("are never shared by two that want the same at once", async () => {
      const ids = await manyStarted(4);
      const keys = [newId(), newId(), newId()];
      const got = await Promise.all(
        ids.map((id, index) => store.executions.claim(id, index % 2 === 0 ? keys : keys.toReversed())),
      );
      expect(got.filter(Boolean).length).toBeLessThanOrEqual(1);
      const holders = new Set(await Promise.all(keys.map((key) => store.alerts.liveExecution(key))));
      expect(holders.size).toBe(1);
    });

    it("are taken over from a younger execution that has not begun, so that no two wait for each other", async () => {
      const waiting = { phase: "waiting", outcome: null, escalated: false } as const;
      const [one, other] = [await started({ projection: waiting }), await started({ projection: waiting })];
      const [older, younger] = one.executionId < other.executionId ? [one, other] : ([other, one] as const);
      const both = [older.claimKey!, younger.claimKey!];
      expect(await store.executions.claim(younger.executionId, both)).toBe(false);
      expect(await store.executions.claim(older.executionId, both)).toBe(true);
      expect(await store.alerts.liveExecution(younger.claimKey!)).toBe(older.executionId);
      expect(await store.executions.claim(younger.executionId, both)).toBe(false);
      await store.executions.append(ending(older.executionId, 2));
      expect(await store.executions.claim(younger.executionId, both)).toBe(true);
      expect(await store.alerts.liveExecution(older.claimKey!)).toBe(younger.executionId);
    });

    it("of an execution that has begun, or waits for people, are left alone", async () => {
      const one = await started({ projection: { phase: "waiting", outcome: null, escalated: false } });
      const begun = await started({ projection: { phase: "waiting", outcome: null, escalated: false } });
      expect(await store.executions.claim(begun.executionId, [begun.claimKey!])).toBe(true);
      expect(await store.executions.claim(one.executionId, [one.claimKey!, begun.claimKey!])).toBe(false);
      const asked = await started({
        projection: { phase: "awaiting_approval", outcome: null, escalated: false },
      });
      expect(await store.executions.claim(one.executionId, [one.claimKey!, asked.claimKey!])).toBe(false);
      expect(await store.executions.claim(one.executionId, [one.claimKey!])).toBe(true);
    });

    it("let one of many go on at a time, until all have had their turn", async () => {
      const waiting = { phase: "waiting", outcome: null, escalated: false } as const;
      const all: Awaited<ReturnType<typeof started>>[] = [];
      for (let count = 0; count < 6; count += 1) all.push(await started({ projection: waiting }));
      const keys = all.map(({ claimKey }) => claimKey!);
      const left = new Set(all.map(({ executionId }) => executionId));
      for (let round = 0; round < 100 && left.size > 0; round += 1) {
        const tries = [...left].map(async (id) => ({ id, got: await store.executions.claim(id, keys) }));
        const got = (await Promise.all(tries)).filter((one) => one.got);
        expect(got.length).toBeLessThanOrEqual(1);
        for (const { id } of got) {
          await store.executions.append(ending(id, 2));
          left.delete(id);
        }
      }
      expect([...left]).toEqual([]);
    });

    it("are refused to an execution that has ended", async () => {
      const { executionId: id } = await started();
      await store.executions.append(ending(id, 2));
      expect(await codeOf(store.executions.claim(id, [newId()]))).toBe("EXECUTION_MOVED_ON");
    });
  });

  describe("lists", () => {
    it("show the newest first, page by id, and leave ended ones out when asked", async () => {
      const [one, two, three] = (await manyStarted(3)) as [string, string, string];
      await store.executions.append(ending(two, 2));
      const ids = async (query: Parameters<typeof store.executions.list>[0]) =>
        (await store.executions.list(query)).map(({ id }) => id);
      const [newest, middle, oldest] = [one, two, three].toSorted().toReversed() as [string, string, string];
      expect(await ids({ limit: 3 })).toEqual([newest, middle, oldest]);
      expect(await ids({ limit: 1, before: newest })).toEqual([middle]);
      const live = await ids({ limit: 100, live: true });
      expect(live).toContain(one);
      expect(live).not.toContain(two);
    });

    it("find an execution by a part of its id", async () => {
      const { executionId: id, target } = await started();
      const found = expect.objectContaining({ id, target, mode: "live", alertName: "KubePodCrashLooping" });
      expect(await store.executions.find(id)).toEqual(found);
      expect(await store.executions.find(id.slice(-8))).toEqual(found);
      expect(await store.executions.find(id.slice(0, 30).toUpperCase())).toEqual(found);
      expect(await store.executions.find(id.slice(-5))).toBeNull();
      expect(await store.executions.find("%%%%%%%%")).toBeNull();
      await started();
      expect(await store.executions.find(id.slice(0, 6))).toBeNull();
    });
  });

  describe("executions without a live owner", () => {
    it("are taken over with a higher epoch, which shuts the owner before out", async () => {
      const { executionId: id } = await started();
      const { executionId: over } = await started();
      await store.executions.append(ending(over, 2));
      expect(await store.executions.claimAbandoned(1_000)).toEqual([]);
      await store.executions.release();
      const taken = await store.executions.claimAbandoned(1_000);
      expect(taken).toContainEqual({ id, epoch: 2 });
      expect(taken.map((execution) => execution.id)).not.toContain(over);
      expect(await codeOf(store.executions.append(append(id, 2)))).toBe("EXECUTION_MOVED_ON");
      await store.executions.append(append(id, 2, { epoch: 2 }));
    });
  });

  describe("the outbox", () => {
    it("is empty of what was published, and remembers the heads", async () => {
      const { executionId: id } = await started();
      await store.executions.append(ending(id, 2));
      const entries = await store.outbox.take(10_000);
      const published = entries.map((entry, index) => ({
        ...entry,
        commit: "c".repeat(40),
        head: `head-${entry.executionId}-${index}`,
        lines: entry.seq,
        firstPrevious: `before-${entry.executionId}`,
      }));
      expect(entries.find(({ executionId }) => executionId === id)?.firstPrevious).toBeNull();
      await store.outbox.markPublished(published.slice(0, -1));
      expect(await store.outbox.take(10)).toMatchObject([
        { executionId: id, milestone: "ended", firstPrevious: `before-${id}` },
      ]);
      await store.outbox.markPublished(published.slice(-1));
      expect(await store.outbox.take(10)).toEqual([]);
      expect(await store.outbox.lastHead()).toBe(`head-${id}-${entries.length - 1}`);
    });

    it("leaves out what is being written, and gives whole streams", async () => {
      const { executionId: id } = await started();
      await store.executions.append(ending(id, 2));
      const entries = await store.outbox.take(10_000);
      const [first] = entries;
      expect(await store.outbox.take(10_000, [first!.id])).toEqual(entries.slice(1));
      const streams = await store.outbox.events([id, id, newId()]);
      expect([...streams.keys()]).toEqual([id]);
      expect(streams.get(id)).toEqual(await store.executions.events(id));
    });
  });

  it("keeps evidence, once for the same text", async () => {
    const { executionId } = await started();
    const evidence = { executionId, name: "logs", sha256: "0".repeat(64), text: "line two" };
    await store.executions.saveEvidence(evidence);
    await expect(store.executions.saveEvidence(evidence)).resolves.toBeUndefined();
  });

  it("knows nothing of what is no id", async () => {
    const cancel = { type: "cancel", by: "ana", reason: "typo", keep: false } as const;
    expect(await store.executions.events("no-id")).toEqual([]);
    expect(await store.executions.send("no-id", cancel)).toBe(false);
    expect(await codeOf(store.executions.append(append("no-id", 0)))).toBe("INTERNAL");
  });
}
