// Where string literals and comments stand in an expression, so that nobody mistakes their content for syntax.

/** Index after the string literal or comment that begins at `index`; null when none begins there. Unclosed: the end. */
function literalEnd(text: string, index: number): number | null {
  if (text.startsWith("//", index)) {
    const newline = text.indexOf("\n", index);
    return newline === -1 ? text.length : newline;
  }
  const quote = text[index];
  if (quote !== '"' && quote !== "'") return null;
  const fence = text.startsWith(quote.repeat(3), index) ? quote.repeat(3) : quote;
  const raw = /(?:^|[^\w])[bB]?[rR][bB]?$/.test(text.slice(Math.max(0, index - 3), index));
  let at = index + fence.length;
  while (at < text.length && !text.startsWith(fence, at)) at += !raw && text[at] === "\\" ? 2 : 1;
  return Math.min(text.length, at + fence.length);
}

function blanked(literal: string): string {
  const [first = ""] = literal;
  return first === "/" || literal.length < 2
    ? " ".repeat(literal.length)
    : first + " ".repeat(literal.length - 2) + first;
}

/** The same text, same length, with the content of string literals (not their outer quotes) and comments blanked out. */
export function maskLiterals(text: string): string {
  let masked = "";
  let index = 0;
  while (index < text.length) {
    const end = literalEnd(text, index);
    masked += end === null ? text[index] : blanked(text.slice(index, end));
    index = end ?? index + 1;
  }
  return masked;
}

export type TextPart =
  | { readonly kind: "text"; readonly text: string }
  /** `offset`: where the expression begins in the whole text. */
  | { readonly kind: "expression"; readonly source: string; readonly offset: number };

/** Index of the `}}` that closes an expression which begins at `start`: not one in a string or of a map literal. */
function closingBraces(text: string, start: number): number | null {
  let depth = 0;
  let index = start;
  while (index < text.length) {
    const end = literalEnd(text, index);
    if (end === null && depth === 0 && text.startsWith("}}", index)) return index;
    if (text[index] === "{") depth += 1;
    if (text[index] === "}") depth -= 1;
    index = end ?? index + 1;
  }
  return null;
}

/** Splits `a {{ b }} c`. An unclosed `{{` gives its offset instead. */
export function splitText(text: string): {
  readonly parts: readonly TextPart[];
  readonly unclosedAt: number | null;
} {
  const parts: TextPart[] = [];
  let index = 0;
  while (index < text.length) {
    const open = text.indexOf("{{", index);
    if (open === -1) break;
    const close = closingBraces(text, open + 2);
    if (close === null) return { parts, unclosedAt: open };
    if (open > index) parts.push({ kind: "text", text: text.slice(index, open) });
    parts.push({ kind: "expression", source: text.slice(open + 2, close), offset: open + 2 });
    index = close + 2;
  }
  if (index < text.length) parts.push({ kind: "text", text: text.slice(index) });
  return { parts, unclosedAt: null };
}
