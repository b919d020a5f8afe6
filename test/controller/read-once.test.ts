import { describe, expect, it } from "vitest";
import type { ActionTools } from "../../src/actions/action.ts";
import { readOnce } from "../../src/controller/read-once.ts";
import { Problem } from "../../src/domain/problem.ts";

const pods = { apiVersion: "v1", kind: "Pod", namespace: "shop" };

function given(failures = 0) {
  const asked: string[] = [];
  let left = failures;
  const cluster = (name: string) => ({
    list: async (query: object) => {
      asked.push(`${name} ${JSON.stringify(query)}`);
      left -= 1;
      if (left >= 0) throw new Problem("API_UNREACHABLE", "away");
      return [];
    },
  });
  return { asked, tools: readOnce({ cluster } as unknown as ActionTools) };
}

describe("what is read while a plan is made", () => {
  it("is read once, whoever asks for it and in whatever order they name it", async () => {
    const { asked, tools } = given();
    const { apiVersion, kind, namespace } = pods;
    await Promise.all([
      tools.cluster("a").list(pods),
      tools.cluster("a").list({ namespace, kind, apiVersion }),
    ]);
    await tools.cluster("a").list(pods);
    expect(asked).toHaveLength(1);
  });
  it("is another question in another cluster, or of other pods", async () => {
    const { asked, tools } = given();
    await tools.cluster("a").list(pods);
    await tools.cluster("b").list(pods);
    await tools.cluster("a").list({ ...pods, labelSelector: "app=api" });
    expect(asked).toHaveLength(3);
  });
  it("is asked again after it could not be read", async () => {
    const { asked, tools } = given(1);
    await expect(tools.cluster("a").list(pods)).rejects.toThrow("away");
    expect(await tools.cluster("a").list(pods)).toEqual([]);
    expect(asked).toHaveLength(2);
  });
});
