// A table that fits the terminal: the widest columns give way first, names of objects in their middle, everything else at
// its end. `wide`, a pipe and a file let the lines run on: whoever searches them must find whole names.
import type { CliContext } from "./context.ts";
import { clean, pad, width } from "./layout.ts";
import { paintFor, type Tone } from "./paint.ts";

export interface TableRow {
  readonly cells: readonly string[];
  readonly tone?: Tone;
}

const gap = 2;
/** What a shortened column keeps: the beginning of a name. */
const narrowest = 12;
/** Half an id or a time says nothing. */
const whole = new Set(["ID", "STATE", "AT", "AGE", "GATE", "FIRING", "STATUS", "SEVERITY", "PRIORITY"]);

/** Ends in a newline. Cells are cleaned here. */
export function renderTable(
  header: readonly string[],
  rows: readonly TableRow[],
  view: Pick<CliContext, "columns" | "colours" | "isTerminal"> & { readonly wide?: boolean },
): string {
  const paint = paintFor(view.colours);
  const texts = [header, ...rows.map(({ cells }) => cells.map(clean))];
  const widths = columnWidths(texts);
  const shrinks = header.map((name) => !whole.has(name));
  const fitting = view.wide === true || !view.isTerminal ? widths : fit(widths, view.columns, shrinks);
  const lines = texts.map((cells, index) =>
    paint(index === 0 ? "strong" : (rows[index - 1]?.tone ?? "plain"), aligned(cells, fitting)),
  );
  return `${lines.join("\n")}\n`;
}

export function columnWidths(rows: readonly (readonly string[])[]): readonly number[] {
  const widths: number[] = [];
  for (const cells of rows) {
    for (const [column, cell] of cells.entries()) widths[column] = Math.max(widths[column] ?? 0, width(cell));
  }
  return widths;
}

/** Widths that fit side by side into `columns`, unless all are at their narrowest. */
export function fit(
  widths: readonly number[],
  columns: number,
  shrinks: readonly boolean[] = [],
): readonly number[] {
  const fitting = [...widths];
  const total = () => fitting.reduce((sum, one) => sum + one + gap, -gap);
  const room = (index: number) => (shrinks[index] === false ? 0 : (fitting[index] ?? 0));
  while (total() > columns) {
    const widest = fitting.reduce((best, _, index) => (room(index) > room(best) ? index : best), 0);
    if (room(widest) <= narrowest) break;
    fitting[widest] = room(widest) - 1;
  }
  return fitting;
}

/** One line. */
export function aligned(cells: readonly string[], widths: readonly number[]): string {
  const padded = cells.map((cell, column) => {
    const room = widths[column] ?? 0;
    return pad(shortenedTo(cell, room), room + gap);
  });
  return padded.join("").trimEnd();
}

/** At most `columns` wide: `prod-eu/…/api` for what has parts, else cut at its end. */
function shortenedTo(text: string, columns: number): string {
  const points = Array.from(new Intl.Segmenter().segment(text), ({ segment }) => segment);
  if (points.length <= columns) return text;
  if (!text.includes("/") || text.includes(" ")) return `${points.slice(0, columns - 1).join("")}…`;
  const tail = Math.ceil((columns - 1) * 0.65);
  return `${points.slice(0, columns - 1 - tail).join("")}…${points.slice(-tail).join("")}`;
}
