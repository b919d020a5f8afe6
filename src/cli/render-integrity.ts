// What `gitmend doctor --integrity|--repair` has found: each kind of fault with what it means, how many, and a few of them.
import type { FaultReport, IntegrityReport } from "../controller/check-integrity.ts";
import { cleanAll, wrap } from "./layout.ts";
import { type Paint, paintFor } from "./paint.ts";

const fewExamples = 5;

export function renderIntegrity(
  report: IntegrityReport,
  view: { readonly columns: number; readonly colours: boolean },
): string {
  const { executions, events, faults } = cleanAll(report);
  const paint = paintFor(view.colours);
  const columns = Math.max(40, view.columns);
  const examined = `${counted(executions, "execution")}, ${counted(events, "event")} examined`;
  const lines = faults.flatMap((fault) => [...faultLines(fault, columns, paint), ""]);
  return `${[examined, "", ...lines, verdict(faults)].join("\n")}\n`;
}

function faultLines(fault: FaultReport, columns: number, paint: Paint): readonly string[] {
  const { count, mended, examples } = fault;
  const state =
    mended === 0 ? String(count) : mended === count ? `${count}, mended` : `${count}, ${mended} mended`;
  const more = count - Math.min(examples.length, fewExamples);
  return [
    `${paint(mended === count ? "good" : "bad", fault.fault)}  ${paint("strong", state)}`,
    ...wrap(fault.meaning, columns - 2).map((line) => `  ${line}`),
    ...examples
      .slice(0, fewExamples)
      .flatMap((example) => wrap(example, columns - 4).map((line) => paint("quiet", `    ${line}`))),
    ...(more > 0 ? [paint("quiet", `    and ${more} more`)] : []),
  ];
}

function verdict(faults: readonly FaultReport[]): string {
  if (faults.length === 0) return "All that follows from the events is as they say.";
  const open = faults.filter(({ count, mended }) => mended < count);
  if (open.length === 0) return "Everything was mended.";
  if (open.every(({ mendable }) => !mendable)) return "What is left needs a person: see above.";
  return "Stop gitmend and run `gitmend doctor --repair` to mend what follows from the events.";
}

function counted(count: number, noun: string): string {
  return `${count.toLocaleString("en-US")} ${noun}${count === 1 ? "" : "s"}`;
}
