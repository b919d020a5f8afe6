// What replicas share on a real Redis, and what becomes of it when Redis is away, hangs, or comes back.
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { ActionTools } from "../../../src/actions/action.ts";
import { type OpenShared, openShared } from "../../../src/adapters/redis/open-shared.ts";
import { ownNews, type Shared, sharingNamespaces } from "../../../src/controller/shared.ts";
import type { ObjectRef } from "../../../src/domain/facts/objects.ts";
import { eventually } from "../../support/eventually.ts";
import { startRedis, type TestRedis } from "../../support/redis.ts";

let redis: TestRedis;
const open: OpenShared[] = [];
beforeAll(async () => {
  redis = await startRedis();
});
afterEach(() => {
  for (const shared of open.splice(0)) shared.close();
});
afterAll(() => redis.stop());

function replica(url = redis.url) {
  const said: string[] = [];
  const say = (_fields: object, message: string) => void said.push(message);
  const shared = openShared(url, ownNews(), { info: say, warn: say });
  open.push(shared);
  return { shared, said };
}
const hearing = async (shared: Shared) =>
  eventually("it hears the others", () => (shared.hears() ? true : undefined));
const twoReplicas = async () => {
  const [one, other] = [replica(), replica()];
  await Promise.all([hearing(one.shared), hearing(other.shared)]);
  return [one, other] as const;
};
const untilKnown = (shared: Shared, key: string) =>
  eventually(`${key} is known`, async () => (await shared.recall(key)) ?? undefined);

describe("replicas with a Redis", () => {
  it("know what another has asked for, for a while", async () => {
    const [one, other] = await twoReplicas();
    one.shared.remember("namespace demo shop", { labels: { team: "sre" } }, 1);
    expect(await untilKnown(other.shared, "namespace demo shop")).toEqual({ labels: { team: "sre" } });
    await eventually("it is forgotten", async () =>
      (await other.shared.recall("namespace demo shop")) === null ? true : undefined,
    );
  });

  it("hear of each other's executions, and of nothing that they did not ask about", async () => {
    const [one, other] = await twoReplicas();
    const heard: string[] = [];
    const stop = other.shared.listen("e1", () => void heard.push("e1"));
    await eventually("news come", () => {
      one.shared.tell("e2");
      one.shared.tell("e1");
      return heard.length > 0 ? true : undefined;
    });
    stop();
    const before = heard.length;
    other.shared.tell("e1");
    expect([new Set(heard), heard.length]).toEqual([new Set(["e1"]), before]);
  });

  it("ask the cluster once for a namespace that every firing of a storm asks for", async () => {
    const [one, other] = await twoReplicas();
    const asked: string[] = [];
    const tools = {
      cluster: () => ({
        get: async ({ kind, name }: ObjectRef) => {
          asked.push(`${kind} ${name}`);
          return { metadata: { name, labels: { team: "sre" } } };
        },
      }),
    } as unknown as ActionTools;
    const namespace = { cluster: "demo", apiVersion: "v1", kind: "Namespace", namespace: null, name: "till" };
    const pod = { ...namespace, kind: "Pod", namespace: "till", name: "api-1" };
    const first = await sharingNamespaces(tools, one.shared).cluster("demo").get(namespace);
    await untilKnown(other.shared, "namespace demo till");
    expect(await sharingNamespaces(tools, other.shared).cluster("demo").get(namespace)).toEqual(first);
    for (const { shared } of [one, other]) await sharingNamespaces(tools, shared).cluster("demo").get(pod);
    expect(asked).toEqual(["Namespace till", "Pod api-1", "Pod api-1"]);
  });
});

describe("a replica whose Redis", () => {
  it("was never there asks the cluster itself, hears its own news, and says so once", async () => {
    const { shared, said } = replica("redis://127.0.0.1:1");
    await eventually("it has noticed", () => said[0]);
    let heard = 0;
    shared.listen("e1", () => (heard += 1));
    for (let count = 0; count < 100; count += 1) {
      shared.remember("k", count, 60);
      shared.tell("e1");
      expect(await shared.recall("k")).toBeNull();
    }
    expect([heard, shared.hears(), said]).toEqual([
      100,
      false,
      ["Redis is away: everything goes on without it"],
    ]);
  });

  it("hangs waits a moment once, then goes on without it, and uses it again when it is back", async () => {
    const { shared, said } = replica();
    await hearing(shared);
    shared.remember("k", "v", 60);
    await untilKnown(shared, "k");
    redis.freeze();
    const began = performance.now();
    for (let count = 0; count < 1_000; count += 1) expect(await shared.recall("k")).toBeNull();
    // One wait of a fifth of a second; a thousand of them would be minutes.
    expect(performance.now() - began).toBeLessThan(20_000);
    expect([shared.hears(), said]).toEqual([false, ["Redis is away: everything goes on without it"]]);
    redis.thaw();
    await untilKnown(shared, "k");
    expect(said).toEqual(["Redis is away: everything goes on without it", "Redis is back"]);
  });

  it("comes up only after gitmend is used from then on", async () => {
    await redis.stop();
    const [one, other] = [replica(), replica()];
    await eventually("both have noticed", () => one.said[0] && other.said[0]);
    await redis.start();
    let heard = 0;
    other.shared.listen("e1", () => (heard += 1));
    await eventually("news come", () => {
      one.shared.tell("e1");
      return heard > 0 ? true : undefined;
    });
    expect(other.shared.hears()).toBe(true);
  });

  it("is killed and started again is heard again, without anybody's doing", async () => {
    const [one, other] = await twoReplicas();
    await redis.stop();
    await eventually("it has noticed", async () => {
      await one.shared.recall("k");
      return one.said[0];
    });
    await redis.start();
    let heard = 0;
    other.shared.listen("e1", () => (heard += 1));
    await eventually("news come again", () => {
      one.shared.tell("e1");
      return heard > 0 ? true : undefined;
    });
    expect(one.said).toEqual(["Redis is away: everything goes on without it", "Redis is back"]);
  });
});
