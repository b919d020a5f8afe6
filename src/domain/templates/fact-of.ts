// Which fact has to be fetched so that an access can be answered.
import type { Access } from "../expressions/compile-expression.ts";
import type { FetchedFact } from "../facts/facts.ts";

const fetched: ReadonlySet<string> = new Set<FetchedFact>([
  "subject",
  "subjects",
  "target",
  "namespace",
  "owner",
  "history",
]);
/** Fields of the alert that come from the subject. */
const fromSubject: ReadonlySet<string | null | undefined> = new Set(["namespace", "resource"]);

/** null: it is at hand with the alert itself. */
export function factOf({ root, path }: Pick<Access, "root" | "path">): FetchedFact | null {
  if (fetched.has(root)) return root as FetchedFact;
  return root === "alert" && fromSubject.has(path[0]) ? "subject" : null;
}
