// Free text (labels, annotations, API messages, reasons) on its way into something with a syntax: a commit message, Markdown,
// a YAML comment. It stays what it is, text: it can neither end a line nor begin a trailer, a heading, a link or a mention.

/** Controls, line and paragraph separators, and what turns the direction of reading or cannot be seen. */
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}]+/gu;

/** On one line, spaces collapsed, at most `limit` characters (the last one then is an ellipsis). */
export function oneLine(text: string, limit = 300): string {
  return shortened(text.replaceAll(unprintable, " ").replaceAll(/\s+/g, " ").trim(), limit);
}

export function shortened(text: string, limit: number): string {
  const characters = [...text];
  return characters.length <= limit ? text : `${characters.slice(0, Math.max(0, limit - 1)).join("")}…`;
}

/** One line of Markdown prose that shows exactly this text. Escapes only what would be syntax there, so that the source reads well. */
export function prose(text: string, limit = 300): string {
  const escaped = oneLine(text, limit)
    .replaceAll(/[\\`*[\]<>|~&$]|(?<!\w)_|_(?!\w)/g, "\\$&")
    .replace(/^[#+=-]/, "\\$&")
    .replace(/^(\d+)([.)])/, "$1\\$2");
  // No escape stops a link or a mention; an entity does.
  return escaped
    .replaceAll("@", "&#64;")
    .replaceAll("://", "&#58;//")
    .replaceAll(/\bwww\./gi, "www&#46;");
}

/** A code span of one line, whatever backticks the text has. Safe in tables. */
export function code(text: string, limit = 300): string {
  const line = oneLine(text, limit).replaceAll("|", "¦");
  if (line === "") return "`-`";
  const longest = Math.max(0, ...[...line.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return longest === 0 ? `\`${line}\`` : `${fence} ${line} ${fence}`;
}

/** A fenced block; each line is cleaned by itself. The fence is longer than any run of backticks in it. */
export function fenced(lines: readonly string[], language: string): string {
  const clean = lines.map((line) => line.replaceAll("\t", "  ").replaceAll(unprintable, " ").trimEnd());
  const longest = Math.max(
    2,
    ...clean.flatMap((line) => [...line.matchAll(/`+/g)].map(([run]) => run.length)),
  );
  const fence = "`".repeat(longest + 1);
  return [fence + language, ...clean, fence].join("\n");
}
