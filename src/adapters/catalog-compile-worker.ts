// Thread that compiles one catalog and hands it over in pieces, each when it is asked for: taking in everything at once would
// hold up the main loop.
import { once } from "node:events";
import { parentPort, workerData } from "node:worker_threads";
import type { CatalogFile } from "../controller/ports.ts";
import type { Finding } from "../domain/finding.ts";
import type { CatalogContent } from "../domain/policies/catalog.ts";
import { compileContent } from "../domain/policies/compile-catalog.ts";
import type { GuardRule, SelectionRule } from "../domain/policies/rule.ts";
import type { ActionDescription } from "../domain/templates/action-description.ts";
import type { Scope } from "../domain/templates/scope.ts";

export interface CompileTask {
  readonly files: readonly CatalogFile[];
  readonly revision: string;
  readonly actions: readonly ActionDescription[];
  readonly scopes: readonly Scope[];
  readonly accepted: boolean;
}

export type FromCompileWorker =
  | { readonly type: "selection"; readonly rules: readonly SelectionRule[] }
  | { readonly type: "guards"; readonly rules: readonly GuardRule[] }
  | {
      readonly type: "end";
      readonly rest: Omit<CatalogContent, "selection" | "guards"> | null;
      readonly findings: readonly Finding[];
    };

/** About 20 ms of the main loop. */
const rulesAtOnce = 2_000;
/** More than anybody reads; whoever wants all of them runs `gitmend validate`. */
const mostFindings = 1_000;

const main = parentPort;
if (main === null) throw new TypeError("the catalog compiler runs in a worker thread");

function* pieces(content: CatalogContent): Generator<FromCompileWorker> {
  const { selection, guards } = content;
  for (let at = 0; at < selection.length; at += rulesAtOnce)
    yield { type: "selection", rules: selection.slice(at, at + rulesAtOnce) };
  for (let at = 0; at < guards.length; at += rulesAtOnce)
    yield { type: "guards", rules: guards.slice(at, at + rulesAtOnce) };
}

function restOf({ selection: _selection, guards: _guards, ...rest }: CatalogContent) {
  return rest;
}

const { files, revision, actions, scopes, accepted } = workerData as CompileTask;
const { content, findings } = compileContent(files, revision, actions, scopes, accepted);
if (content !== null) {
  for (const piece of pieces(content)) {
    const asked = once(main, "message");
    main.postMessage(piece);
    await asked;
  }
}
main.postMessage({
  type: "end",
  rest: content === null ? null : restOf(content),
  findings: findings.slice(0, mostFindings),
} satisfies FromCompileWorker);
