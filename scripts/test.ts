// `npm test`: the checks, then every suite, with one line at the very end: `N passed, N failed, N skipped`.
// On a machine that lacks PostgreSQL, Alertmanager or a Kubernetes control plane it says how to get them; with CI=true
// their absence is a failure (GITMEND_TEST_WITHOUT=kubernetes leaves one out on purpose), and so is a skipped test
// outside the kubernetes suite. That suite's own skips are a fixed list, which it asserts itself.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import {
  canInstall,
  howToGet,
  inspectMachine,
  installPackages,
  missingServers,
  type Server,
} from "./machine.ts";
import { suiteFiles } from "./needs.ts";
import { runCommand } from "./run-command.ts";

interface Count {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

interface SuiteCount extends Count {
  /** `file: name` of each that failed. */
  readonly names: readonly string[];
}

interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

const root = resolve(import.meta.dirname, "..");
const strict = process.env.CI === "true";
const without = (process.env.GITMEND_TEST_WITHOUT ?? "").split(",");
const mayInstall = strict || process.env.GITMEND_TEST_INSTALL === "1";
const suites = [
  { name: "unit", limitSeconds: 180 },
  { name: "integration", limitSeconds: 900 },
  { name: "kubernetes", limitSeconds: 480 },
  { name: "e2e", limitSeconds: 1_100 },
] as const;
const complaints: string[] = [];

/** Returns what is missing after having tried to get it. */
async function prepareMachine(): Promise<readonly Server[]> {
  let missing = missingServers(await inspectMachine());
  if (missing.length > 0 && mayInstall && canInstall()) {
    const trouble = await installPackages(missing);
    if (trouble !== null) console.log(`could not install: ${trouble}`);
    missing = missingServers(await inspectMachine());
  }
  for (const server of missing) {
    console.log(`This machine lacks ${howToGet[server]}`);
    if (strict && !without.includes(server)) complaints.push(`${server} is missing`);
  }
  return missing;
}

async function runChecks(): Promise<void> {
  const program = resolve(root, "scripts/check.ts");
  const { code } = await runCommand([process.execPath, program, "--without-unit"], {
    cwd: root,
    show: true,
    limitSeconds: 300,
  });
  if (code !== 0) complaints.push("check failed");
}

function readCount(reportFile: string): SuiteCount {
  try {
    const report = JSON.parse(readFileSync(reportFile, "utf8")) as VitestReport;
    return {
      passed: report.numPassedTests,
      failed: report.numFailedTests,
      skipped: report.numPendingTests + report.numTodoTests,
      names: report.testResults.flatMap(({ name, assertionResults }) =>
        assertionResults
          .filter(({ status }) => status === "failed")
          .map(({ fullName }) => `${relative(root, name)}: ${fullName}`),
      ),
    };
  } catch (error) {
    console.log(`no report: ${error instanceof Error ? error.message : String(error)}`);
    return { passed: 0, failed: 1, skipped: 0, names: [] };
  }
}

/**
 * Runs what this machine can run; a file left out counts as one skipped test. A suite that broke before any test of a
 * file could run has failed, although no test did.
 */
async function runSuite(
  suite: (typeof suites)[number],
  missing: readonly Server[],
  folder: string,
): Promise<SuiteCount> {
  const { name, limitSeconds } = suite;
  const { run, leftOut } = suiteFiles(name, missing);
  console.log(`\n=== ${name}`);
  for (const { file, lacks } of leftOut) console.log(`skipped ${file}: needs ${lacks.join(", ")}`);
  if (run.length === 0) return { passed: 0, failed: 0, skipped: leftOut.length, names: [] };
  const report = join(folder, `${name}.json`);
  const vitest = resolve(root, "node_modules/.bin/vitest");
  const output = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const chosen = leftOut.length === 0 ? [] : run;
  const { code, seconds } = await runCommand([vitest, "run", "--project", name, ...output, ...chosen], {
    cwd: root,
    show: true,
    limitSeconds,
  });
  const { passed, failed, skipped, names } = readCount(report);
  console.log(`${name}: ${seconds.toFixed(0)} s`);
  return {
    passed,
    failed: code !== 0 && failed === 0 ? 1 : failed,
    skipped: skipped + leftOut.length,
    names,
  };
}

function judge(name: string, count: SuiteCount): void {
  if (count.failed > 0) complaints.push([`${name}: ${count.failed} failed`, ...count.names].join("\n  "));
  if (count.passed + count.failed === 0 && (strict || count.skipped === 0)) {
    complaints.push(`${name}: nothing ran`);
  }
  const maySkip = name === "kubernetes" || (name === "e2e" && without.includes("kubernetes"));
  if (strict && count.skipped > 0 && !maySkip) {
    complaints.push(`${name}: ${count.skipped} skipped; only the kubernetes suite may skip`);
  }
}

async function main(): Promise<void> {
  const missing = await prepareMachine();
  await runChecks();
  const folder = mkdtempSync(join(tmpdir(), "gitmend-test-"));
  const total = { passed: 0, failed: 0, skipped: 0 };
  try {
    for (const suite of suites) {
      const count = await runSuite(suite, missing, folder);
      judge(suite.name, count);
      total.passed += count.passed;
      total.failed += count.failed;
      total.skipped += count.skipped;
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  console.log("");
  for (const complaint of complaints) console.log(`FAILED ${complaint}`);
  const failed = complaints.length > 0 ? Math.max(1, total.failed) : total.failed;
  console.log(`${total.passed} passed, ${failed} failed, ${total.skipped} skipped`);
  process.exitCode = failed > 0 ? 1 : 0;
}

await main();
