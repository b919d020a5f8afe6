// validate_fields on objects that change while it waits.
import { describe, expect, it } from "vitest";
import type { ActionTools } from "../../src/actions/action.ts";
import { validateFields } from "../../src/actions/monitoring/validate-fields.ts";
import type { KubernetesObject } from "../../src/domain/facts/objects.ts";
import { plusSeconds } from "../../src/domain/instant.ts";

const target = {
  cluster: "test",
  apiVersion: "apps/v1",
  kind: "Deployment",
  namespace: "shop",
  name: "api",
  uid: "u",
} as const;
const context = { executionId: "e", step: "s", effectKey: "e/s", cluster: "test", target };
const image = "/spec/template/spec/containers[name=app]/image";
const deployment = (tag: string): KubernetesObject => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "api", namespace: "shop", uid: "u", resourceVersion: "1" },
  spec: { template: { spec: { containers: [{ name: "log" }, { name: "app", image: `a:${tag}` }] } } },
});

/** One of `seen` for each look, the last one for all that follow; each sleep takes its time on the clock. */
function run(seen: readonly (KubernetesObject | null)[], wait = "1m") {
  let now = "2026-01-01T00:00:00.000Z";
  let looks = 0;
  const get = async () => {
    looks += 1;
    return seen[Math.min(looks, seen.length) - 1] ?? null;
  };
  const sleep = async (seconds: number) => {
    now = plusSeconds(now, seconds);
  };
  const tools = { cluster: () => ({ get }), now: () => now, sleep, signal: new AbortController().signal };
  return validateFields.run(
    { fields: { [image]: "a:1" }, wait_timeout: wait },
    context,
    tools as unknown as ActionTools,
  );
}

describe("validate_fields", () => {
  it("waits until somebody has given the target the values, wherever in a list they stand", async () => {
    expect(await run([deployment("2"), deployment("2"), deployment("1")])).toEqual({ fields: [image] });
  });

  it("says which values are still others when the time is over", async () => {
    await expect(run([deployment("2")], "30s")).rejects.toMatchObject({
      code: "NOT_HEALTHY",
      message: `nobody has given test/shop/deploy/api the new ${image}`,
    });
  });

  it("does not wait for what is gone, nor for another object of its name", async () => {
    const other = {
      ...deployment("1"),
      metadata: { name: "api", namespace: "shop", uid: "another", resourceVersion: "1" },
    };
    for (const seen of [null, other])
      await expect(run([seen])).rejects.toMatchObject({ code: "TARGET_GONE" });
  });
});
