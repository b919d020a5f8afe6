// `gitmend test`: policy tests, offline. Exit code 0 when all pass, 1 when one fails, 2 when something cannot be read or there is none.
import { isAbsolute, join, relative, resolve } from "node:path";
import type { Command } from "commander";
import { actions } from "../../actions/registry.ts";
import { type Finding, hasErrors } from "../../domain/finding.ts";
import type { Catalog } from "../../domain/policies/catalog.ts";
import { compileCatalog } from "../../domain/policies/compile-catalog.ts";
import { type PlacedTest, readPolicyTests } from "../../domain/policy-tests/read-policy-tests.ts";
import { Problem } from "../../domain/problem.ts";
import { nothingThere, readCatalogFolder } from "../catalog-folder.ts";
import type { CliContext } from "../context.ts";
import { scopesFor } from "../load-config.ts";
import { type OutputOptions, outputOption, print, withExample } from "../output.ts";
import { byPosition, findingsText } from "../render-findings.ts";
import { renderTests } from "../render-tests.ts";
import { runPolicyTest, type TestResult } from "../run-policy-tests.ts";

export function addTest(program: Command, context: CliContext): void {
  withExample(
    program
      .command("test [path]")
      .description(
        "the tests under policies/tests/: exit code 1 when one fails, 2 when there is none or a file has errors",
      )
      .addOption(outputOption())
      .action((path: string | undefined, options: OutputOptions) => test(path ?? ".", options, context)),
    "gitmend test .",
    "gitmend test policies/tests/crash-loops.yaml -o json",
  );
}

async function test(path: string, options: OutputOptions, context: CliContext): Promise<void> {
  const { catalog, tests, findings, files } = await readTests(path, context);
  if (catalog === null || hasErrors(findings)) {
    print(context, options, { passed: 0, failed: 0, findings, tests: [] }, () =>
      findingsText(findings, files, context.colours),
    );
    return context.exitWith(2);
  }
  const results: TestResult[] = [];
  for (const one of tests) results.push(await runPolicyTest(one, catalog));
  const failed = results.filter(({ passed }) => !passed).length;
  const data = { passed: results.length - failed, failed, findings, tests: results.map(dataOf) };
  print(context, options, data, () => renderTests(results, context));
  if (failed > 0) context.exitWith(1);
}

interface Reading {
  /** null: it has errors. */
  readonly catalog: Catalog | null;
  readonly tests: readonly PlacedTest[];
  /** Errors of catalog and tests; none: all of them can be run. */
  readonly findings: readonly Finding[];
  readonly files: number;
}

/** @throws Problem USAGE when there is no test */
async function readTests(path: string, context: CliContext): Promise<Reading> {
  const { workingFolder } = context;
  const { root, files, findings: unread, only } = await readCatalogFolder(resolve(workingFolder, path));
  if (files.length === 0 && unread.length === 0) throw nothingThere(root);
  const scopes = await scopesFor(root, undefined, context);
  const { catalog, findings } = compileCatalog(files, "files", actions, scopes);
  const shown = isAbsolute(path) ? root : relative(workingFolder, root);
  const asked = files.filter((file) => only === null || file.path === only);
  const read = readPolicyTests(asked);
  const place = <T extends { readonly file: string }>(at: T): T => ({ ...at, file: join(shown, at.file) });
  const errors = [...unread, ...findings, ...read.findings]
    .filter(({ severity }) => severity === "error")
    .toSorted(byPosition);
  const tests = read.tests.map(({ test: one, position }) => ({
    test: one,
    position: (part: Parameters<typeof position>[0]) => place(position(part)),
  }));
  if (errors.length === 0 && tests.length === 0)
    throw new Problem(
      "USAGE",
      `${only === null ? join(root, "policies/tests") : join(root, only)} has no policy tests`,
    );
  return { catalog, tests, findings: errors.map(place), files: files.length };
}

/** For programs: what was decided, without the whole plan. */
function dataOf({ name, position, passed, differences, simulation, problem }: TestResult) {
  const { selection, gate, mode, plan, rules } = simulation ?? {};
  return {
    name,
    ...position,
    passed,
    problem,
    differences: differences.map(({ path, expected, got, position: at }) => ({
      what: path.slice(1).join("."),
      expected,
      got,
      ...at,
    })),
    template: selection?.kind === "match" ? selection.template : null,
    gate: gate?.kind ?? null,
    mode: mode ?? null,
    steps: plan?.steps.map((step) => step.name) ?? null,
    rules: rules ?? [],
  };
}
