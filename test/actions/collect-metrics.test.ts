import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import type { ActionInput, ActionTools, MetricSample, ReadAction } from "../../src/actions/action.ts";
import { findAction } from "../../src/actions/registry.ts";
import { Problem } from "../../src/domain/problem.ts";

const action = findAction("collect_metrics") as ReadAction;
const valid = new Ajv({ allowUnionTypes: true }).compile(action.output);
const context = {
  executionId: "01900000-0000-7000-8000-000000000001",
  step: "measure",
  effectKey: "01900000-0000-7000-8000-000000000001/measure",
  cluster: "prod-eu",
  target: null,
};

async function collect(
  input: ActionInput,
  answers: Readonly<Record<string, readonly MetricSample[]>>,
): Promise<{
  readonly output: Awaited<ReturnType<ReadAction["run"]>>;
  readonly evidence: string | null;
  readonly asked: readonly string[];
}> {
  let evidence: string | null = null;
  const asked: string[] = [];
  const tools = {
    query: async (cluster: string, promql: string) => {
      asked.push(`${cluster}: ${promql}`);
      const samples = answers[promql];
      if (samples === undefined)
        throw new Problem("METRICS_UNAVAILABLE", "Prometheus cannot be asked: it did not answer in time");
      return samples;
    },
    saveEvidence: async (name: string, text: string) => {
      evidence = text;
      return { name, sha256: "0".repeat(64), bytes: text.length };
    },
  } as unknown as ActionTools;
  const output = await action.run(input, context, tools);
  expect(valid(output), JSON.stringify(valid.errors)).toBe(true);
  return { output, evidence, asked };
}

describe("collect_metrics", () => {
  it("asks the incident's cluster each query and gives the first value of each, in order", async () => {
    const { output, asked, evidence } = await collect(
      { queries: ["errors", "nothing", "scalar"] },
      {
        errors: [
          { labels: { pod: "api-0" }, value: 0.25 },
          { labels: { pod: "api-1" }, value: 3 },
        ],
        nothing: [],
        scalar: [{ labels: {}, value: 42 }],
      },
    );
    expect(asked).toEqual(["prod-eu: errors", "prod-eu: nothing", "prod-eu: scalar"]);
    expect(output.values).toEqual([0.25, null, 42]);
    expect(output.results).toMatchObject([
      { query: "errors", samples: 2, shown: [{ labels: { pod: "api-0" }, value: 0.25 }, { value: 3 }] },
      { query: "nothing", samples: 0, shown: [] },
      { query: "scalar", samples: 1 },
    ]);
    expect(output.evidence).toBe("measure.metrics");
    expect(evidence).toBe('# errors\n{pod="api-0"} 0.25\n{pod="api-1"} 3\n\n# nothing\n\n# scalar\n{} 42\n');
  });

  it("takes a single query as text", async () => {
    const { output } = await collect({ queries: "up" }, { up: [{ labels: {}, value: 1 }] });
    expect(output.values).toEqual([1]);
  });

  it("shows ten samples of a query that has thousands, with short labels; all of them are evidence", async () => {
    const labels = { path: "x".repeat(5000) };
    const samples = Array.from({ length: 3000 }, (_, value) => ({ labels, value }));
    const { output, evidence } = await collect({ queries: ["many"] }, { many: samples });
    const [result] = output.results as unknown as [
      { samples: number; shown: { labels: { path: string } }[] },
    ];
    expect(result.samples).toBe(3000);
    expect(result.shown).toHaveLength(10);
    expect(result.shown[0]!.labels.path).toHaveLength(200);
    expect(evidence!.trimEnd().split("\n")).toHaveLength(3001);
  });

  it("has no value for NaN and the infinities, and the evidence says which it was", async () => {
    const values = [Number.NaN, Number.POSITIVE_INFINITY];
    const samples = values.map((value) => ({ labels: {}, value }));
    const { output, evidence } = await collect({ queries: ["odd"] }, { odd: samples });
    expect(output.values).toEqual([null]);
    expect(output.results).toMatchObject([{ shown: [{ value: null }, { value: null }] }]);
    expect(evidence).toContain("{} NaN\n{} Infinity");
  });

  it("keeps no secret that a label holds", async () => {
    const samples = [{ labels: { url: "https://ana:hunter2@shop.example" }, value: 1 }];
    const { evidence } = await collect({ queries: ["up"] }, { up: samples });
    expect(evidence).toContain("[redacted]@shop.example");
    expect(evidence).not.toContain("hunter2");
  });

  it("fails as Prometheus fails", async () => {
    await expect(collect({ queries: ["up", "down"] }, { up: [] })).rejects.toMatchObject({
      code: "METRICS_UNAVAILABLE",
    });
  });
});
