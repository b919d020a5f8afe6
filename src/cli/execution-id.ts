// Execution ids as people type them.
import { Problem } from "../domain/problem.ts";
import { clean } from "./layout.ts";

/** Hexadecimal digits and hyphens; anything else never becomes part of an address. @throws Problem USAGE */
export function executionId(text: string): string {
  if (/^[0-9a-f-]{6,36}$/i.test(text)) return text.toLowerCase();
  throw new Problem(
    "USAGE",
    `"${clean(text)}" is no id of an execution: give at least 6 characters of its end`,
  );
}
