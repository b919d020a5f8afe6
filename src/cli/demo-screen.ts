// What the demo prints: one line a fact, as it happens, so that the story can be read from top to bottom.
import type { App } from "../app.ts";
import type { ExecutionSummary } from "../controller/ports.ts";
import type { ExecutionEvent, RecordedEvent } from "../domain/execution/events.ts";
import { objectText } from "../domain/facts/objects.ts";
import type { Json } from "../domain/json.ts";
import type { FieldChange } from "../domain/planning/effect.ts";
import type { DeploymentSummary } from "../simulation/control.ts";
import { clean, cut, pad } from "./layout.ts";
import { paintFor, type Tone } from "./paint.ts";

export interface DemoScreen {
  title(): void;
  ready(simulation: { readonly url: string }, app: App): void;
  broken(workload: DeploymentSummary): void;
  delivered(payload: {
    readonly alerts: readonly {
      readonly status: string;
      readonly labels: Readonly<Record<string, string>>;
    }[];
  }): void;
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

const labelColumns = 11;

export function demoScreen({ colours, columns, write }: ScreenOptions): DemoScreen {
  const paint = paintFor(colours);
  const began = performance.now();
  const line = (mark: string, tone: Tone, label: string, text: string) => {
    const time = `${((performance.now() - began) / 1000).toFixed(1).padStart(5)}s`;
    const room = Math.max(20, columns - 12 - labelColumns);
    write(
      `${paint("quiet", time)}  ${paint(tone, mark)} ${paint("strong", pad(label, labelColumns))} ${cut(clean(text), room)}\n`,
    );
  };
  const more = (text: string, tone: Tone = "plain") => {
    write(
      `${" ".repeat(10 + labelColumns)} ${paint(tone, cut(clean(text), Math.max(20, columns - 11 - labelColumns)))}\n`,
    );
  };
  const heading = (text: string) => write(`\n${paint("strong", text)}\n`);
  return {
    title() {
      heading("gitmend demo");
      write(
        paint(
          "quiet",
          "Everything runs on this machine: a simulated cluster, an embedded database, local Git repositories.\n\n",
        ),
      );
    },
    ready(simulation, { url, controller }) {
      line(
        "✔",
        "good",
        "cluster",
        `simulated Kubernetes API with controllers and 3 nodes, ${simulation.url}`,
      );
      line("✔", "good", "controller", `embedded PostgreSQL (PGlite), webhook on ${url}`);
      const catalog = controller.catalog.current();
      line(
        "✔",
        "good",
        "catalog",
        `${catalog?.revision.slice(0, 18) ?? "none"}…, ${catalog?.templates.size ?? 0} templates, live in this cluster only`,
      );
      line("✔", "good", "workload", "demo/shop/deploy/api is healthy: 3 of 3 pods ready");
    },
    broken(workload) {
      heading("A bad release");
      line(
        "✖",
        "bad",
        "broken",
        `revision ${workload.revision + 1} of shop/api has a command that exits 1: its pods will crash`,
      );
    },
    delivered({ alerts }) {
      for (const { status, labels } of alerts) {
        const object = labels["pod"] ?? labels["deployment"] ?? "";
        if (status === "firing")
          line(
            "●",
            "bad",
            "alert",
            `${labels["alertname"] ?? ""} fires for ${labels["namespace"] ?? ""}/${object}`,
          );
        else
          line(
            "○",
            "good",
            "alert",
            `${labels["alertname"] ?? ""} resolved for ${labels["namespace"] ?? ""}/${object}`,
          );
      }
    },
    event: ({ event }) => showEvent(event, line, more, heading),
    outcome(execution, workload) {
      heading("Afterwards");
      const good = execution?.outcome === "succeeded" && workload.healthy;
      line(
        good ? "✔" : "✖",
        good ? "good" : "bad",
        "verified",
        `shop/api: ${workload.ready} of ${workload.wanted} pods ready, image ${workload.images.join(", ")}`,
      );
    },
    record(log) {
      heading("The record: git log audit");
      for (const text of log.trimEnd().split("\n")) {
        const trailer = /^[A-Z][A-Za-z-]+: /.test(text);
        write(`  ${paint(trailer ? "quiet" : "plain", cut(clean(text), columns - 2))}\n`);
      }
    },
    serving({ url }, dataFolder) {
      heading("Still serving; Ctrl-C ends it");
      write(`  GITMEND_DATA_DIR=${dataFolder} bin/gitmend executions list\n`);
      write(`  curl ${url}/readyz\n`);
    },
    end(solved) {
      write(
        solved
          ? `\n${paint("good", "Solved.")}\n`
          : `\n${paint("bad", "Not solved.")} The log above says where it stopped.\n`,
      );
    },
  };
}

type Line = (mark: string, tone: Tone, label: string, text: string) => void;

function showEvent(
  event: ExecutionEvent,
  line: Line,
  more: (text: string, tone?: Tone) => void,
  heading: (text: string) => void,
): void {
  switch (event.type) {
    case "ExecutionRequested":
      heading("What gitmend does about it");
      line("→", "strong", "match", `rule ${event.match.rule} chooses ${event.match.template}`);
      for (const reason of event.match.reasons) more(reason, "quiet");
      return;
    case "Planned":
      line("→", "strong", "target", event.plan.target === null ? "none" : objectText(event.plan.target));
      line(
        "→",
        "strong",
        "plan",
        `${event.plan.steps.map(({ name }) => name).join(" → ")}, risk ${event.plan.risk}, ${event.plan.digest.slice(0, 19)}`,
      );
      for (const { step, summary, changes } of event.previews) {
        more(`${step}: ${summary}`);
        for (const change of changes) more(changeText(change), "quiet");
      }
      return;
    case "GateDecided":
      line(
        "→",
        "strong",
        "gate",
        event.gate.kind === "open"
          ? "open: no guard asks for people"
          : event.gate.reasons.map(({ reason }) => reason).join("; "),
      );
      return;
    case "StepStarted":
      line("▸", "strong", "step", `${event.step}: ${event.call.action}`);
      return;
    case "StepSucceeded":
      line("✔", "good", "step", `${event.step} succeeded`);
      return;
    case "StepFailed":
      line("✖", "bad", "step", `${event.step} failed: ${event.message}`);
      return;
    case "StepSkipped":
      line("–", "quiet", "step", `${event.step} skipped: ${event.reason}`);
      return;
    case "AlertJoined":
      line(
        "+",
        "attention",
        "joined",
        `${event.alert.name} for ${event.alert.labels["pod"] ?? event.alert.labels["deployment"] ?? "?"}: the same target, the same execution`,
      );
      return;
    case "Ended":
      line(
        event.outcome === "succeeded" ? "✔" : "✖",
        event.outcome === "succeeded" ? "good" : "bad",
        "ended",
        `${event.outcome}: ${event.reason}`,
      );
      return;
    default:
      return;
  }
}

function changeText({ pointer, before, after }: FieldChange): string {
  const text = (value: Json | undefined) => (value === undefined ? "absent" : JSON.stringify(value));
  return `${pointer}: ${text(before)} → ${text(after)}`;
}
