// Compiles catalogs in a thread of its own, one for each compilation: the main loop only takes in what came of it, piece by piece.
// Whoever can push to the config branch can write a catalog that takes too long or too much: then the thread ends, nothing else.
import { Worker } from "node:worker_threads";
import type { CatalogCompiler } from "../controller/ports.ts";
import { type CatalogContent, openCatalog } from "../domain/policies/catalog.ts";
import { refusedFile } from "../domain/policies/catalog-files.ts";
import type { CatalogCompilation, ContentCompilation } from "../domain/policies/compile-catalog.ts";
import type { GuardRule, SelectionRule } from "../domain/policies/rule.ts";
import { Problem } from "../domain/problem.ts";
import type { ActionDescription } from "../domain/templates/action-description.ts";
import type { Scope } from "../domain/templates/scope.ts";
import type { CompileTask, FromCompileWorker } from "./catalog-compile-worker.ts";

export interface CompilerLimits {
  readonly seconds: number;
  readonly memoryMebibytes: number;
}

export interface CompilerOptions {
  readonly limits?: CompilerLimits;
  /** Guards of gitmend.yaml: part of every catalog, whatever its files say. */
  readonly floor?: readonly GuardRule[];
  /** Of gitmend.yaml: what each folder may do. */
  readonly scopes?: readonly Scope[];
}

const defaultLimits: CompilerLimits = { seconds: 120, memoryMebibytes: 1024 };

export function catalogCompiler(
  actions: readonly ActionDescription[],
  { limits = defaultLimits, floor = [], scopes = [] }: CompilerOptions = {},
): CatalogCompiler {
  // Descriptions are data; what else an action is (its functions) cannot and need not cross over.
  const descriptions = JSON.parse(JSON.stringify(actions)) as readonly ActionDescription[];
  return {
    compile: (files, revision, accepted = false) =>
      compile({ files, revision, actions: descriptions, scopes, accepted }, limits, floor),
  };
}

async function compile(
  task: CompileTask,
  limits: CompilerLimits,
  floor: readonly GuardRule[],
): Promise<CatalogCompilation> {
  const worker = startWorker(task, limits);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    void worker.terminate();
  }, limits.seconds * 1000);
  try {
    const { content, findings } = await receive(worker);
    return { catalog: content === null ? null : openCatalog(withFloor(content, floor)), findings };
  } catch (error) {
    if (late) return tooMuch(`compiling takes longer than ${limits.seconds} s`);
    if ((error as NodeJS.ErrnoException).code === "ERR_WORKER_OUT_OF_MEMORY")
      return tooMuch(`compiling takes more than ${limits.memoryMebibytes} MiB of memory`);
    throw new Problem("INTERNAL", `the catalog could not be compiled: ${String(error)}`, { cause: error });
  } finally {
    clearTimeout(timer);
    await worker.terminate();
  }
}

function withFloor(content: CatalogContent, floor: readonly GuardRule[]): CatalogContent {
  return { ...content, guards: [...floor, ...content.guards] };
}

function startWorker(workerData: CompileTask, { memoryMebibytes }: CompilerLimits): Worker {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const worker = new Worker(new URL(`./catalog-compile-worker.${extension}`, import.meta.url), {
    workerData,
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: memoryMebibytes },
  });
  // A controller that stops does not wait for it.
  worker.unref();
  return worker;
}

/** Each piece is asked for, so that the main loop goes on between two of them. */
function receive(worker: Worker): Promise<ContentCompilation> {
  const { promise, resolve, reject } = Promise.withResolvers<ContentCompilation>();
  const selection: SelectionRule[] = [];
  const guards: GuardRule[] = [];
  worker.on("message", (message: FromCompileWorker) => {
    switch (message.type) {
      case "selection":
        selection.push(...message.rules);
        break;
      case "guards":
        guards.push(...message.rules);
        break;
      case "end": {
        const { rest, findings } = message;
        resolve({ content: rest === null ? null : { ...rest, selection, guards }, findings });
        return;
      }
    }
    worker.postMessage("more");
  });
  worker.on("error", reject);
  worker.on("exit", (code) => reject(new Error(`its thread ended with ${code}`)));
  return promise;
}

function tooMuch(why: string): CatalogCompilation {
  return {
    catalog: null,
    findings: [refusedFile("policies", "CATALOG_TOO_LARGE", `${why}: make it smaller`)],
  };
}
