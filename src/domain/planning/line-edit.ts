// The difference between two texts as one run of lines, and the way from the one to the other. Lines keep their ends.

export interface LineEdit {
  /** Of the file, within the repository. */
  readonly path: string;
  /** The first line that changes, from 1. */
  readonly line: number;
  readonly before: readonly string[];
  readonly after: readonly string[];
}

export function lineEdit(path: string, from: string, to: string): LineEdit {
  const [old, now] = [linesOf(from), linesOf(to)];
  const shorter = Math.min(old.length, now.length);
  let start = 0;
  while (start < shorter && old[start] === now[start]) start += 1;
  let end = 0;
  while (end < shorter - start && old.at(-1 - end) === now.at(-1 - end)) end += 1;
  return {
    path,
    line: start + 1,
    before: old.slice(start, old.length - end),
    after: now.slice(start, now.length - end),
  };
}

/** null: the text is not the one that the edit was made for. */
export function withEdit(text: string, { line, before, after }: LineEdit): string | null {
  const lines = linesOf(text);
  const start = line - 1;
  if (before.some((one, index) => lines[start + index] !== one)) return null;
  return [...lines.slice(0, start), ...after, ...lines.slice(start + before.length)].join("");
}

function linesOf(text: string): readonly string[] {
  return text === "" ? [] : text.split(/(?<=\n)/);
}
