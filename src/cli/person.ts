// Who is at the keyboard, as the record will name them.
import { userInfo } from "node:os";
import type { CliContext } from "./context.ts";

/** `--as`, else GITMEND_USER, else the system's user name. */
export function personOf(named: string | undefined, { environment }: CliContext): string {
  return named ?? environment["GITMEND_USER"] ?? userInfo().username;
}
