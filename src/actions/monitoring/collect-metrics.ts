// collect_metrics: asks the cluster's Prometheus and hands the answer to later steps and conditions. A query is fixed text with
// values quoted into it by promql(): what an alert carries never becomes part of the query's structure.
import type { Json, JsonObject } from "../../domain/json.ts";
import { redactText } from "../../domain/redact.ts";
import type { ActionContext, ActionInput, ActionTools, MetricSample, ReadAction } from "../action.ts";
import { objectSchema, outputSchema, reasonParameter, textOf } from "../parameters.ts";

const shownSamples = 50;
const mostLabels = 20;
const labelLength = 200;

export const collectMetrics: ReadAction = {
  name: "collect_metrics",
  aliases: ["query_metrics"],
  type: "monitoring",
  summary: "Asks the cluster's Prometheus an instant query and keeps the answer as evidence.",
  risk: "low",
  changes: false,
  idempotent: true,
  input: objectSchema(
    {
      query: {
        type: "string",
        minLength: 1,
        maxLength: 10_000,
        description: "PromQL. Values enter as {{ promql(x) }}, in place of a quoted label value.",
      },
      reason: reasonParameter,
    },
    ["query"],
  ),
  parameterAliases: { promql: "query" },
  identity: [],
  text: ["reason"],
  promql: ["query"],
  output: outputSchema({
    count: { type: "integer", description: "Samples in the answer." },
    value: {
      type: ["number", "null"],
      description: "The first sample's; null when there is none or it is no finite number.",
    },
    samples: {
      type: "array",
      maxItems: shownSamples,
      items: outputSchema({
        labels: { type: "object", additionalProperties: { type: "string" } },
        value: { type: ["number", "null"] },
      }),
      description: "In the order of the answer.",
    },
    evidence: {
      type: ["string", "null"],
      description: "Name of the evidence: all samples; null without any.",
    },
    sha256: { type: ["string", "null"] },
    bytes: { type: "integer" },
  }),
  rbac: [],
  undo: { how: "nothing", why: "it only reads" },
  timeoutSeconds: 15,
  waitParameter: null,
  objects: () => [],
  preview: (input) => `ask Prometheus: ${oneLine(textOf(input, "query") ?? "a query")}`,
  run,
};

function oneLine(query: string): string {
  const line = query.replaceAll(/\s+/g, " ").trim();
  return line.length > 120 ? `${line.slice(0, 119)}…` : line;
}

async function run(input: ActionInput, context: ActionContext, tools: ActionTools): Promise<JsonObject> {
  const query = textOf(input, "query") ?? "";
  const samples = await tools.query(context.cluster, query);
  return {
    count: samples.length,
    value: numberOf(samples[0]?.value),
    samples: samples.slice(0, shownSamples).map(({ labels, value }) => ({
      labels: shortLabels(labels),
      value: numberOf(value),
    })),
    ...(await keep(query, samples, context, tools)),
  };
}

/** JSON has neither NaN nor the infinities. */
function numberOf(value: number | undefined): Json {
  return value !== undefined && Number.isFinite(value) ? value : null;
}

function shortLabels(labels: MetricSample["labels"]): JsonObject {
  return Object.fromEntries(
    Object.entries(labels)
      .slice(0, mostLabels)
      .map(([name, value]) => [name, redactText(value).slice(0, labelLength)]),
  );
}

async function keep(
  query: string,
  samples: readonly MetricSample[],
  { step }: ActionContext,
  tools: ActionTools,
): Promise<JsonObject> {
  if (samples.length === 0) return { evidence: null, sha256: null, bytes: 0 };
  const lines = samples.map(({ labels, value }) => `${seriesText(labels)} ${value}`);
  const text = [`# ${oneLine(query)}`, `# asked at ${tools.now()}`, ...lines, ""].join("\n");
  const { name, sha256, bytes } = await tools.saveEvidence(`${step}-metrics.txt`, text);
  return { evidence: name, sha256, bytes };
}

/** As Prometheus writes a series. */
function seriesText({ __name__: name = "", ...labels }: MetricSample["labels"]): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}=${JSON.stringify(value)}`);
  return `${name}{${pairs.join(",")}}`;
}
