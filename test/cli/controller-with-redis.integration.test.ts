// A whole controller that has a Redis, and loses it in the middle of an execution.
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
