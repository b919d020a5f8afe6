// REPORT.md for a terminal: the same words without Markdown's marks, tables in columns, blocks as they are. It knows exactly
// the Markdown that reports are written in (domain/audit/report.ts), not all of it.
import { clean, pad, width, wrap } from "./layout.ts";
import { type Paint, paintFor } from "./paint.ts";

interface Screen {
  readonly columns: number;
  readonly paint: Paint;
}

/** Ends in a newline. */
export function plainReport(
  markdown: string,
  view: { readonly columns: number; readonly colours: boolean },
): string {
  const screen: Screen = { columns: Math.max(view.columns, 40), paint: paintFor(view.colours) };
  const blocks = blocksOf(markdown.split("\n").map(clean));
  return `${blocks.map((block) => rendered(block, screen).join("\n")).join("\n\n")}\n`;
}

/** What stands between empty lines; a fenced block is one, whatever it holds. */
function blocksOf(lines: readonly string[]): readonly (readonly string[])[] {
  const blocks: string[][] = [];
  let block: string[] = [];
  let fence: string | null = null;
  for (const line of lines) {
    const [, marks] = /^(`{3,})/.exec(line) ?? [];
    if (marks !== undefined && (fence === null || line === fence)) fence = fence === null ? marks : null;
    if (line === "" && fence === null) {
      if (block.length > 0) blocks.push(block);
      block = [];
    } else {
      block.push(line);
    }
  }
  return block.length > 0 ? [...blocks, block] : blocks;
}

function rendered(block: readonly string[], { columns, paint }: Screen): readonly string[] {
  const [first = ""] = block;
  if (first.startsWith("```"))
    return block.slice(1, -1).map((line) => `    ${diffPainted(line, first, paint)}`);
  if (first.startsWith("|")) return table(block, columns);
  const heading = /^(#+) (.*)$/.exec(first);
  if (heading !== null) {
    const text = plain(heading[2] ?? "");
    return [paint("strong", heading[1] === "#" ? text : text.toUpperCase())];
  }
  if (first.startsWith("- ")) {
    return block.flatMap((line) =>
      wrap(plain(line), columns - 2).map((part, index) => (index === 0 ? part : `  ${part}`)),
    );
  }
  return wrap(plain(block.join(" ")), columns);
}

function diffPainted(line: string, fence: string, paint: Paint): string {
  if (!fence.endsWith("diff")) return line;
  return paint(line.startsWith("+ ") ? "good" : line.startsWith("- ") ? "bad" : "plain", line);
}

/** The last column is wrapped beside the others. */
function table(block: readonly string[], columns: number): readonly string[] {
  const rows = block
    .filter((_, index) => index !== 1)
    .map((line) =>
      line
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map((cell) => plain(cell.trim())),
    )
    .filter((cells) => cells.some((cell) => cell !== ""));
  const widths: number[] = [];
  for (const cells of rows) {
    for (const [index, cell] of cells.slice(0, -1).entries())
      widths[index] = Math.max(widths[index] ?? 0, width(cell));
  }
  const indent = widths.reduce((sum, one) => sum + one + 2, 0);
  return rows.flatMap((cells) => {
    const start = cells.slice(0, -1).map((cell, index) => pad(cell, (widths[index] ?? 0) + 2));
    return wrap(cells.at(-1) ?? "", columns - indent).map((part, index) =>
      (index === 0 ? start.join("") + part : " ".repeat(indent) + part).trimEnd(),
    );
  });
}

const entities: Readonly<Record<string, string>> = { "&#64;": "@", "&#58;": ":", "&#46;": "." };

/** Code spans keep their text; everything else loses its marks and escapes. */
function plain(text: string): string {
  return text
    .split(/(`+[^`]*`+)/)
    .map((part) =>
      part.startsWith("`")
        ? part.replace(/^`+ ?/, "").replace(/ ?`+$/, "")
        : part
            .replaceAll("**", "")
            .replaceAll(/&#\d+;/g, (entity) => entities[entity] ?? entity)
            .replaceAll(/\\([\\`*[\]<>|~&$_#+=.)-])/g, "$1"),
    )
    .join("");
}
