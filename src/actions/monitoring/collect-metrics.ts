// collect_metrics: what Prometheus says at this moment, for later conditions and for people. Instant queries only.
import type { Json, JsonObject } from "../../domain/json.ts";
import { oneLine } from "../../domain/plain-text.ts";
import { redactText } from "../../domain/redact.ts";
import type { ActionContext, ActionInput, ActionTools, MetricSample, ReadAction } from "../action.ts";
import { objectSchema, outputSchema, reasonParameter } from "../parameters.ts";

const shownSamples = 10;
const shownLabels = 20;
const shownLength = 200;
const promql = { type: "string", minLength: 1, maxLength: 4000 };
const number = { type: ["number", "null"] };

export const collectMetrics: ReadAction = {
  name: "collect_metrics",
  aliases: ["query_metrics"],
  type: "monitoring",
  summary: "Asks Prometheus what some queries are at this moment, and keeps the samples as evidence.",
  risk: "low",
  changes: false,
  idempotent: true,
  input: objectSchema(
    {
      queries: {
        oneOf: [promql, { type: "array", items: promql, minItems: 1, maxItems: 10 }],
        description: "PromQL, one query or a list. Values enter it through promql(x).",
      },
      reason: reasonParameter,
    },
    ["queries"],
  ),
  parameterAliases: { query: "queries", promql: "queries" },
  identity: [],
  text: ["reason"],
  promql: ["queries"],
  output: outputSchema({
    values: {
      type: "array",
      items: number,
      description:
        "The first sample of each query, in order; null when there is none or it is no finite number.",
    },
    results: {
      type: "array",
      description: `By query: how many samples there are, and the first ${shownSamples} of them.`,
      items: outputSchema({
        query: { type: "string" },
        samples: { type: "integer" },
        shown: {
          type: "array",
          maxItems: shownSamples,
          items: outputSchema({
            labels: { type: "object", additionalProperties: { type: "string" } },
            value: number,
          }),
        },
      }),
    },
    evidence: {
      type: ["string", "null"],
      description: "Name of the evidence; null when there are no samples.",
    },
    sha256: { type: ["string", "null"] },
    bytes: { type: "integer" },
  }),
  rbac: [],
  undo: { how: "nothing", why: "it only reads" },
  timeoutSeconds: 30,
  waitParameter: null,
  objects: () => [],
  preview: (input) => {
    const { length } = queriesOf(input);
    return length === 1 ? "ask Prometheus a query" : `ask Prometheus ${length} queries`;
  },
  run,
};

interface Answer {
  readonly query: string;
  readonly samples: readonly MetricSample[];
}

function queriesOf({ queries }: ActionInput): readonly string[] {
  if (typeof queries === "string") return [queries];
  return Array.isArray(queries) ? (queries as readonly string[]) : [];
}

async function run(input: ActionInput, context: ActionContext, tools: ActionTools): Promise<JsonObject> {
  const ask = async (query: string) => ({ query, samples: await tools.query(context.cluster, query) });
  const answers = await Promise.all(queriesOf(input).map(ask));
  return {
    values: answers.map(({ samples }) => finite(samples[0]?.value)),
    results: answers.map(shownAnswer),
    ...(await keep(answers, context, tools)),
  };
}

function shownAnswer({ query, samples }: Answer): JsonObject {
  const shown = samples.slice(0, shownSamples).map(({ labels, value }) => ({
    labels: Object.fromEntries(
      Object.entries(labels)
        .slice(0, shownLabels)
        .map(([name, text]) => [name, oneLine(text, shownLength)]),
    ),
    value: finite(value),
  }));
  return { query, samples: samples.length, shown };
}

/** JSON has neither NaN nor the infinities; the evidence says which it was. */
function finite(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}

async function keep(
  answers: readonly Answer[],
  { step }: ActionContext,
  tools: ActionTools,
): Promise<Readonly<Record<string, Json>>> {
  if (answers.every(({ samples }) => samples.length === 0)) return { evidence: null, sha256: null, bytes: 0 };
  const saved = await tools.saveEvidence(`${step}.metrics`, redactText(answers.map(answerText).join("\n")));
  return { evidence: saved.name, sha256: saved.sha256, bytes: saved.bytes };
}

function answerText({ query, samples }: Answer): string {
  const lines = samples.map(({ labels, value }) => {
    const pairs = Object.entries(labels).map(([name, text]) => `${name}=${JSON.stringify(text)}`);
    return `{${pairs.join(",")}} ${value}\n`;
  });
  return `# ${oneLine(query, 4000)}\n${lines.join("")}`;
}
