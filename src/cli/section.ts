// One part of a screen: a label in the margin, its texts wrapped beside it.
import { pad, wrap } from "./layout.ts";
import type { Paint, Tone } from "./paint.ts";

export interface Item {
  /** What begins with "- " hangs. */
  readonly text: string;
  readonly tone?: Tone;
}

const labelWidth = 9;

/** Nothing when there are no items. */
export function section(
  label: string,
  items: readonly Item[],
  { columns, paint }: { readonly columns: number; readonly paint: Paint },
): readonly string[] {
  const lines = items.flatMap(({ text, tone = "plain" }) => {
    const hanging = text.startsWith("- ") ? "  " : "";
    const room = columns - labelWidth - hanging.length;
    return wrap(text, room).map((line, index) => paint(tone, index === 0 ? line : hanging + line));
  });
  const margin = paint("strong", pad(label, labelWidth));
  return lines.map((line, index) => (index === 0 ? margin : " ".repeat(labelWidth)) + line);
}
