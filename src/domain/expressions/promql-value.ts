// How a value enters PromQL: as one quoted string, so that no label value can end the matcher that it stands in.

/** `shop` -> `"shop"`, with the escapes that PromQL and JSON share. Numbers are quoted too: label values are text. */
export function promqlValue(value: string | bigint | number | boolean): string {
  return JSON.stringify(String(value));
}
