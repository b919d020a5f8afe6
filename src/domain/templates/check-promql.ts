// PromQL of a template: a value gets in through `promql(x)` alone, outside of quotes. So no label value can end the
// matcher that it stands in and ask for something else.
import { readText } from "../expressions/check-expression.ts";
import { splitText } from "../expressions/literals.ts";
import type { ScopeName } from "../expressions/scope.ts";
import type { DataPath } from "../yaml-findings.ts";
import type { FindingList } from "./finding-list.ts";

type Quote = '"' | "'" | "`";

/** The quote that is still open after `text`, when `open` was before it. */
function openQuote(text: string, open: Quote | null): Quote | null {
  let quote = open;
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index];
    if (quote === null && character === "#") {
      const end = text.indexOf("\n", index);
      index = end === -1 ? text.length : end;
    } else if (quote === null && (character === '"' || character === "'" || character === "`")) {
      quote = character;
    } else if (character === quote) quote = null;
    else if (quote !== null && quote !== "`" && character === "\\") index += 1;
  }
  return quote;
}

/** Only the way in: what the expressions read is checked where their parameters are. */
export function checkPromql(text: string, path: DataPath, scope: ScopeName, list: FindingList): void {
  const reading = readText(text, scope);
  for (const { expression, offset } of reading.expressions) {
    if (expression.call === "promql") continue;
    const message =
      "a value enters PromQL through promql(x), which quotes it: {namespace={{ promql(alert.namespace) }}}";
    list.error(path, "PROMQL_UNQUOTED", message, { offset });
  }
  let quote: Quote | null = null;
  for (const part of splitText(text).parts) {
    if (part.kind === "text") quote = openQuote(part.text, quote);
    else if (quote !== null) {
      const message = `promql(x) brings its own quotes: take away the ${quote} around {{ }}`;
      list.error(path, "PROMQL_UNQUOTED", message, { offset: part.offset });
    }
  }
}
