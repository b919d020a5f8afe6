// Whole controllers that have a Redis, and lose it in the middle of an execution.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openShared } from "../../src/adapters/redis/open-shared.ts";
import { ownNews } from "../../src/controller/shared.ts";
import { eventually } from "../support/eventually.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";
import { type GivenController, givenController } from "./given-controller.ts";

let redis: TestRedis;
let given: GivenController;
beforeAll(async () => {
  redis = await startRedis();
  given = await givenController({ redis: { url: redis.url } });
});
afterAll(async () => {
  await given.stop();
  await redis.stop();
});

interface Read {
  /** Of all that came, in order. */
  readonly seqs: number[];
  readonly done: Promise<string>;
}

/** Reads as a browser does, from the event after `lastEventId` on. */
function follow(url: string, token: string, id: string, lastEventId: string | null = null): Read {
  const seqs: number[] = [];
  const read = async () => {
    const answer = await fetch(`${url}/api/v1/executions/${id}/stream`, {
      headers: {
        authorization: `Bearer ${token}`,
        ...(lastEventId === null ? {} : { "last-event-id": lastEventId }),
      },
    });
    if (answer.body === null) throw new Error(`${answer.status}`);
    let text = "";
    for await (const part of answer.body.pipeThrough(new TextDecoderStream())) {
      text += part;
      seqs.splice(0, seqs.length, ...[...text.matchAll(/^id: (\d+)$/gm)].map(([, seq]) => Number(seq)));
    }
    return text;
  };
  return { seqs, done: read() };
}

describe("a controller with a Redis", () => {
  it("tells other replicas of each event, and ends what it runs when Redis is gone", async () => {
    const quiet = { info: () => undefined, warn: () => undefined };
    const other = openShared(redis.url, ownNews(), quiet);
    try {
      await eventually("the other replica hears", () => other.hears());
      const started = await given.run([
        "start",
        "slow",
        "--target",
        "deploy/api",
        "-n",
        "shop",
        "--reason",
        "test",
      ]);
      expect(started.code).toBe(0);
      const id = await given.execution("slow", ({ phase }) => phase === "running");
      let heard = 0;
      other.listen(id, () => (heard += 1));
      const api = given.api(`/api/v1/executions/${id}/stream`).then((response) => response.text());
      await given.run(["executions", "cancel", id, "--reason", "enough", "--as", "ana"]);
      await eventually("the other replica has heard of it", () => heard > 0);
      expect(await api).toContain("event: end");
    } finally {
      other.close();
    }
    await redis.stop();
    const again = await given.run([
      "start",
      "scale",
      "--target",
      "deploy/api",
      "-n",
      "till",
      "--reason",
      "test",
    ]);
    expect(again.code).toBe(0);
    await given.execution("scale", ({ outcome }) => outcome === "succeeded");
  });
});

describe("two replicas with a Redis", () => {
  it("stream each other's executions: every event once and in order, though Redis dies and comes back", async () => {
    await redis.start();
    const other = await given.another("stream");
    try {
      const start = ["start", "slow", "--target", "deploy/api", "-n", "spare", "--reason", "test"];
      expect((await given.run(start)).code).toBe(0);
      const id = await given.execution("slow", ({ phase }) => phase === "running");
      const remote = follow(other.app.url, other.app.token, id);
      const own = follow(given.app.url, given.app.token, id);
      const both = (count: number) =>
        eventually(`both have ${count} events`, () =>
          remote.seqs.length >= count && own.seqs.length >= count ? true : null,
        );
      await both(4);
      await redis.stop();
      await given.run(["pause", "--execution", id, "--reason", "while Redis is away"]);
      await both(6);
      await redis.start();
      await given.run(["resume", "--execution", id]);
      await both(7);
      const seen = remote.seqs.length;
      const late = follow(other.app.url, other.app.token, id, String(seen));
      await given.run(["executions", "cancel", id, "--reason", "enough"]);
      for (const read of [remote, own, late]) expect(await read.done).toContain("event: end");
      const { length } = await given.app.database.executions.events(id);
      const all = Array.from({ length }, (_, index) => index + 1);
      expect(remote.seqs).toEqual(all);
      expect(own.seqs).toEqual(all);
      expect(late.seqs).toEqual(all.slice(seen));
    } finally {
      await other.stop();
    }
  });
});
