// What the demo prints: one line a fact, as it happens, so that the story can be read from top to bottom.
import type { App } from "../app.ts";
import type { ExecutionSummary } from "../controller/ports.ts";
import type { RecordedEvent } from "../domain/execution/events.ts";
import type { WebhookPayload } from "../simulation/alerts.ts";
import type { DeploymentSummary } from "../simulation/control.ts";
import { type DemoLine, demoLines } from "./demo-lines.ts";
import { clean, pad, wrap } from "./layout.ts";
import { type Paint, paintFor } from "./paint.ts";

export interface DemoScreen {
  title(): void;
  ready(simulation: { readonly url: string }, app: App): void;
  broken(workload: DeploymentSummary): void;
  delivered(payload: WebhookPayload): void;
  event(recorded: RecordedEvent): void;
  outcome(execution: ExecutionSummary | null, workload: DeploymentSummary): void;
  record(log: string): void;
  serving(app: App, dataFolder: string): void;
  end(solved: boolean): void;
}

export interface ScreenOptions {
  readonly colours: boolean;
  readonly columns: number;
  readonly write: (text: string) => void;
}

const labelColumns = 12;
const indent = 10 + labelColumns;

interface Printer {
  readonly paint: Paint;
  readonly heading: (text: string) => void;
  readonly show: (line: DemoLine) => void;
}

function printer({ colours, columns, write }: ScreenOptions): Printer {
  const paint = paintFor(colours);
  const began = performance.now();
  const room = Math.max(30, columns - indent - 1);
  const heading = (text: string) => write(`\n${paint("strong", text)}\n`);
  return {
    paint,
    heading,
    show({ mark, tone, label, text, details = [], heading: above }) {
      if (above !== undefined) heading(above);
      const time = `${((performance.now() - began) / 1000).toFixed(1).padStart(5)}s`;
      const [first = "", ...rest] = wrap(clean(text), room);
      write(
        `${paint("quiet", time)}  ${paint(tone, mark)} ${paint("strong", pad(label, labelColumns))}${first}\n`,
      );
      for (const part of rest) write(`${" ".repeat(indent)}${part}\n`);
      for (const part of details.flatMap((detail) => wrap(clean(detail), room))) {
        write(`${" ".repeat(indent)}${paint("quiet", part)}\n`);
      }
    },
  };
}

export function demoScreen(options: ScreenOptions): DemoScreen {
  const { write } = options;
  const { paint, heading, show } = printer(options);
  return {
    title() {
      heading("gitmend demo");
      write(
        `${paint("quiet", "All on this machine: a simulated cluster, an embedded database, local Git.")}\n\n`,
      );
    },
    ready: (simulation, app) => readyLines(simulation, app).forEach(show),
    broken: ({ revision }) => {
      const text = `revision ${revision + 1} of shop/api has a command that exits 1: its pods crash`;
      show({ mark: "✖", tone: "bad", label: "broken", text, heading: "Somebody ships a bad release" });
    },
    delivered: (payload) => deliveredLines(payload).forEach(show),
    event: ({ event }) => demoLines(event).forEach(show),
    outcome(execution, { ready, wanted, images, healthy }) {
      const solved = execution?.outcome === "succeeded" && healthy;
      const text = `shop/api: ${ready} of ${wanted} pods ready, ${images.join(", ")}`;
      const [mark, tone] = solved ? (["✔", "good"] as const) : (["✖", "bad"] as const);
      show({ mark, tone, label: "verified", text, heading: "Afterwards" });
    },
    record(log) {
      heading("The record: git log audit");
      for (const { text, subject } of recordLines(log)) {
        write(subject ? `  ${text}\n` : `    ${paint("quiet", text)}\n`);
      }
    },
    serving({ url }, dataFolder) {
      heading("Still serving; Ctrl-C ends it");
      write(`  GITMEND_DATA_DIR=${dataFolder} bin/gitmend executions list\n  curl ${url}/readyz\n`);
    },
    end(solved) {
      const text = solved
        ? paint("good", "Solved.")
        : `${paint("bad", "Not solved.")} The last lines above say where it stopped.`;
      write(`\n${text}\n`);
    },
  };
}

function readyLines(simulation: { readonly url: string }, { url, controller }: App): readonly DemoLine[] {
  const catalog = controller.catalog.current();
  const good = (label: string, text: string, details: readonly string[] = []): DemoLine => ({
    mark: "✔",
    tone: "good",
    label,
    text,
    details,
  });
  return [
    good("cluster", `simulated Kubernetes API with controllers and 3 nodes, ${simulation.url}`),
    good("controller", `embedded PostgreSQL, webhook on ${url}`),
    good(
      "catalog",
      `${catalog?.templates.size ?? 0} templates and ${catalog?.ruleCount ?? 0} rules from Git`,
      [catalog?.revision ?? ""],
    ),
    good("workload", "demo/shop/deploy/api is healthy: 3 of 3 pods ready"),
  ];
}

function deliveredLines({ alerts }: WebhookPayload): readonly DemoLine[] {
  return alerts.map(({ status, labels }) => {
    const object = labels["pod"] ?? labels["deployment"] ?? "";
    const text = `${labels["alertname"] ?? ""} for ${labels["namespace"] ?? ""}/${object}`;
    return status === "firing"
      ? { mark: "●", tone: "bad", label: "fires", text }
      : { mark: "○", tone: "good", label: "resolved", text };
  });
}

/** All subjects, and the trailers of the last commit: what an auditor greps for. */
function recordLines(log: string): readonly { readonly text: string; readonly subject: boolean }[] {
  const lines = log.trimEnd().split("\n");
  const isSubject = (line: string) => /^[0-9a-f]{7,} /.test(line);
  const last = lines.findLastIndex(isSubject);
  return lines
    .map((line, index) => ({ text: clean(line), subject: isSubject(line), index }))
    .filter(({ subject, index, text }) => subject || (index > last && text !== ""));
}
