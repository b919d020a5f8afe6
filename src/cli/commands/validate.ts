// `gitmend validate`: everything that is wrong with templates, policies, their tests and gitmend.yaml, at once, with positions.
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { isAbsolute, join, relative, resolve } from "node:path";
import type { Command } from "commander";
import { actions } from "../../actions/registry.ts";
import { readConfig, scopesOf } from "../../config/read-config.ts";
import { type Finding, hasErrors } from "../../domain/finding.ts";
import { findLoosening } from "../../domain/gate/find-loosening.ts";
import type { Catalog } from "../../domain/policies/catalog.ts";
import { compileCatalog } from "../../domain/policies/compile-catalog.ts";
import { readPolicyTests } from "../../domain/policy-tests/read-policy-tests.ts";
import { Problem } from "../../domain/problem.ts";
import type { Scope } from "../../domain/templates/scope.ts";
import { compileFiles, compileFolder, nothingThere, readCatalogFolder } from "../catalog-folder.ts";
import type { CliContext } from "../context.ts";
import { type OutputOptions, outputOption, print, withExample } from "../output.ts";
import { ownVersion } from "../own-version.ts";
import { byPosition, findingsText, githubLines, sarifOf } from "../render-findings.ts";

const configName = "gitmend.yaml";

interface Options extends OutputOptions {
  readonly config?: string;
  readonly base?: string;
}

export function addValidate(program: Command, context: CliContext): void {
  withExample(
    program
      .command("validate [path]")
      .description(
        "all findings of templates, policies, policy tests and gitmend.yaml; exit code 2 when one is an error",
      )
      .option(
        "--config <file>",
        `the controller's configuration, whose scopes hold (default: ${configName} in the folder)`,
      )
      .option(
        "--base <revision>",
        "also find guards that stop less than at this commit, branch, tag or folder (exit code 2)",
      )
      .addOption(outputOption("sarif", "github"))
      .action((path: string | undefined, options: Options) => validate(path ?? ".", options, context)),
    "gitmend validate .",
    "gitmend validate policies/crash-loops.yaml",
    "gitmend validate --base origin/main",
    "gitmend validate --config gitmend.yaml -o sarif > gitmend.sarif",
  );
}

interface Checked {
  readonly findings: readonly Finding[];
  readonly files: number;
}

async function validate(path: string, options: Options, context: CliContext): Promise<void> {
  const alone = options.config === undefined && path.endsWith(configName) ? path : options.config;
  const parts =
    alone === path
      ? [await checkConfig(path, context)]
      : [await checkCatalog(path, options, context), await checkGiven(alone, context)];
  const findings = parts.flatMap((part) => part.findings).toSorted(byPosition);
  const files = parts.reduce((sum, part) => sum + part.files, 0);
  if (options.output === "github") context.out(githubLines(findings));
  else if (options.output === "sarif")
    context.out(`${JSON.stringify(sarifOf(findings, await ownVersion()), null, 2)}\n`);
  else print(context, options, { files, findings }, () => findingsText(findings, files, context.colours));
  if (hasErrors(findings) || findings.some(({ code }) => code === "GUARD_LOOSENED")) context.exitWith(2);
}

/** The catalog and, unless another one is given, the configuration beside it. */
async function checkCatalog(path: string, { config, base }: Options, context: CliContext): Promise<Checked> {
  const {
    root,
    files,
    findings: unread,
    only,
  } = await readCatalogFolder(resolve(context.workingFolder, path));
  const found = config === undefined ? await readText(join(root, configName)).catch(() => null) : null;
  const beside = only === null ? found : null;
  if (files.length === 0 && unread.length === 0 && beside === null && config === undefined)
    throw nothingThere(root);
  const text = config === undefined ? found : await readText(resolve(context.workingFolder, config));
  const scopes = scopesIn(text ?? "", context);
  const { catalog, findings: compiled } = compileCatalog(files, "files", actions, scopes);
  const loosened =
    base === undefined || catalog === null || unread.length > 0
      ? []
      : findLoosening(await baseCatalog(root, base, context), catalog);
  const all = [
    ...unread,
    ...compiled,
    ...loosened,
    ...readPolicyTests(files).findings,
    ...(beside === null ? [] : readConfig(beside, configName, context.environment).findings),
  ];
  const shown = isAbsolute(path) ? root : relative(context.workingFolder, root);
  const findings = all
    .filter(({ file }) => only === null || file === only)
    .map((finding) => ({ ...finding, file: join(shown, finding.file) }));
  return { findings, files: only === null ? files.length + (beside === null ? 0 : 1) : 1 };
}

/** A configuration with errors bounds nothing here: its own findings say so. */
function scopesIn(text: string, { environment }: CliContext): readonly Scope[] {
  const { config } = readConfig(text, configName, environment);
  return config === null ? [] : scopesOf(config);
}

/** A folder, or a revision of the repository that the catalog is in. @throws Problem USAGE, CATALOG_INVALID */
async function baseCatalog(root: string, base: string, { workingFolder }: CliContext): Promise<Catalog> {
  const folder = resolve(workingFolder, base);
  if (existsSync(folder)) return compileFolder(folder);
  const { readCatalogAt } = await import("../../app.ts");
  const { commit, files } = await readCatalogAt(root, base);
  return compileFiles(files, [], `${base} (${commit.slice(0, 12)})`);
}

async function checkGiven(config: string | undefined, context: CliContext): Promise<Checked> {
  return config === undefined ? { findings: [], files: 0 } : await checkConfig(config, context);
}

async function checkConfig(file: string, { workingFolder, environment }: CliContext): Promise<Checked> {
  const text = await readText(resolve(workingFolder, file));
  return { findings: readConfig(text, file, environment).findings, files: 1 };
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new Problem("USAGE", `${file} cannot be read`, { cause: error });
  }
}
