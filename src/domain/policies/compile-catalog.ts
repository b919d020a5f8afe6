// All files of one commit -> the catalog, or everything that is wrong with them. One error and there is no catalog:
// the last good one stays in use.
import { didYouMean } from "../did-you-mean.ts";
import type { Pause } from "../facts/pause.ts";
import { type Finding, hasErrors } from "../finding.ts";
import { schemaCheck, withDefaults } from "../schema-findings.ts";
import { actionSchema } from "../templates/action.generated.ts";
import type { ActionDescription } from "../templates/action-description.ts";
import { type ActionIndex, actionIndex } from "../templates/action-index.ts";
import { checkFallbacks } from "../templates/check-fallbacks.ts";
import { compileCustomAction } from "../templates/compile-custom-action.ts";
import {
  type CompiledTemplate,
  compileTemplate,
  type TemplateCompilation,
} from "../templates/compile-template.ts";
import { type CustomAction, describeCustom } from "../templates/custom-action.ts";
import type { Scope } from "../templates/scope.ts";
import { templateSchema } from "../templates/template.generated.ts";
import { readYaml, type YamlDocument } from "../yaml-findings.ts";
import { type Calendars, readCalendars } from "./calendars.ts";
import { type CatalogFile, catalogSchema } from "./catalog.generated.ts";
import { type Catalog, type CatalogContent, openCatalog } from "./catalog.ts";
import { catalogFile, catalogFolders, filesUnder, pauseFile } from "./catalog-files.ts";
import { checkScopes } from "./check-scopes.ts";
import { type CompiledPolicy, compilePolicy, type PolicySurroundings } from "./compile-policy.ts";
import { findCircles } from "./dependencies.ts";
import { findAmbiguity } from "./find-ambiguity.ts";
import { pauseSchema } from "./pause.generated.ts";
import { policySchema } from "./policy.generated.ts";
import { readPauses } from "./read-pauses.ts";

export interface CatalogText {
  /** Relative to the catalog's root. */
  readonly path: string;
  readonly text: string;
}

export interface CatalogCompilation {
  /** null: at least one finding is an error. */
  readonly catalog: Catalog | null;
  /** By file, line and column. */
  readonly findings: readonly Finding[];
}

/** The same as data. */
export interface ContentCompilation {
  readonly content: CatalogContent | null;
  readonly findings: readonly Finding[];
}

const mostAlwaysRules = 50;

/** Files that pass the schema, one after the other, so that each can be forgotten; what is wrong with the others goes to `found`. */
function* readEach(
  files: readonly CatalogText[],
  schema: object,
  found: Finding[],
): Generator<YamlDocument, void> {
  if (files.length === 0) return;
  const check = schemaCheck(schema);
  for (const { path, text } of files) {
    const { document, findings } = readYaml(path, text);
    found.push(...findings);
    const faults = document === null ? [] : check(document);
    found.push(...faults);
    if (document !== null && faults.length === 0) yield document;
  }
}

interface Templates {
  readonly byName: ReadonlyMap<string, CompiledTemplate | null>;
  readonly findings: readonly Finding[];
}

function nameTaken(kind: string, document: YamlDocument, name: string): Finding {
  const message = `another ${kind} is called "${name}" too`;
  return { ...document.position(["name"]), severity: "error", code: "DUPLICATE_NAME", message };
}

/** The name that a broken file claims, so that policies which use it are not blamed as well. */
function claimedNames(files: readonly CatalogText[]): readonly string[] {
  return files.flatMap(({ text }) => /^\s*["']?name["']?\s*:\s*["']?([\w-]+)/m.exec(text)?.[1] ?? []);
}

interface Actions {
  readonly custom: ReadonlyMap<string, CustomAction>;
  readonly files: ReadonlyMap<string, string>;
  readonly index: ActionIndex;
  readonly findings: readonly Finding[];
}

/** Those of `actions/`, and the index of all that templates may name. */
function compileActions(files: readonly CatalogText[], builtIn: readonly ActionDescription[]): Actions {
  const index = actionIndex(builtIn);
  const job = index.find("run_job")?.description;
  const custom = new Map<string, CustomAction>();
  const stands = new Map<string, string>();
  const findings: Finding[] = [];
  for (const document of readEach(files, actionSchema, findings)) {
    const { name, action, findings: own } = compileCustomAction(document, index);
    findings.push(...own);
    if (custom.has(name)) findings.push(nameTaken("action", document, name));
    if (action !== null) custom.set(name, action);
    stands.set(name, document.file);
  }
  if (custom.size === 0 || job === undefined) return { custom, files: stands, index, findings };
  const described = [...custom.values()].flatMap((action) => describeCustom(action, job));
  return { custom, files: stands, index: actionIndex([...builtIn, ...described]), findings };
}

function compileTemplates(files: readonly CatalogText[], index: ActionIndex): Templates {
  const byName = new Map<string, CompiledTemplate | null>();
  const compilations: TemplateCompilation[] = [];
  const found: Finding[] = [];
  for (const document of readEach(files, templateSchema, found)) {
    const compilation = compileTemplate(document, index);
    const { compiled, name, findings: own } = compilation;
    compilations.push(compilation);
    found.push(...own);
    if (byName.has(name)) found.push(nameTaken("template", document, name));
    byName.set(name, compiled);
  }
  for (const name of claimedNames(files)) if (!byName.has(name)) byName.set(name, null);
  const checked = checkFallbacks(compilations, byName);
  return { byName: checked.byName, findings: [...found, ...checked.findings] };
}

interface Policies {
  readonly policies: readonly CompiledPolicy[];
  readonly findings: readonly Finding[];
}

interface CatalogFileReading {
  /** null: the file has errors. */
  readonly calendars: Calendars | null;
  readonly revoked: ReadonlySet<string>;
  readonly findings: readonly Finding[];
}

/** `catalog.yaml`; without it there are no calendars. */
function compileCatalogFile(files: readonly CatalogText[], { byName }: Templates): CatalogFileReading {
  const own = files.filter(({ path }) => path === catalogFile);
  if (own.length === 0) return { calendars: new Map(), revoked: new Set(), findings: [] };
  const found: Finding[] = [];
  const [document] = readEach(own, catalogSchema, found);
  if (document === undefined) return { calendars: null, revoked: new Set(), findings: found };
  const reading = readCalendars(document);
  const { revoked } = withDefaults<CatalogFile>(document.value, catalogSchema);
  const unknown = unknownRevoked(revoked, [...byName.keys()], document);
  return {
    calendars: hasErrors(reading.findings) ? null : reading.calendars,
    revoked: new Set(revoked),
    findings: [...reading.findings, ...unknown],
  };
}

/** Another version is what one expects after a revocation; another name is a slip, or a template that is gone for good. */
function unknownRevoked(
  revoked: readonly string[],
  names: readonly string[],
  document: YamlDocument,
): readonly Finding[] {
  return revoked.flatMap((entry, index): readonly Finding[] => {
    const [name = ""] = entry.split("@", 1);
    if (names.includes(name)) return [];
    const message = `there is no template "${name}"${didYouMean(name, names)}`;
    const position = document.position(["revoked", index]);
    return [{ ...position, severity: "warning", code: "UNKNOWN_TEMPLATE", message }];
  });
}

function compilePauses(files: readonly CatalogText[]): {
  readonly pauses: readonly Pause[];
  readonly findings: readonly Finding[];
} {
  const own = files.filter(({ path }) => path === pauseFile);
  const found: Finding[] = [];
  const [document] = readEach(own, pauseSchema, found);
  return document === undefined ? { pauses: [], findings: found } : readPauses(document);
}

function compilePolicies(files: readonly CatalogText[], surroundings: PolicySurroundings): Policies {
  const findings: Finding[] = [];
  const policies = new Map<string, CompiledPolicy>();
  for (const document of readEach(files, policySchema, findings)) {
    const policy = compilePolicy(document, surroundings);
    findings.push(...policy.findings);
    if (policies.has(policy.name)) findings.push(nameTaken("policy", document, policy.name));
    policies.set(policy.name, policy);
  }
  return { policies: [...policies.values()], findings };
}

/** Every alert asks these: a bucket that grows makes all decisions slow. */
function warnOfAlways({ selection, guards }: CatalogContent): readonly Finding[] {
  const always = [...selection, ...guards].filter(({ alertNames }) => alertNames === null);
  const [first] = always;
  if (first === undefined || always.length <= mostAlwaysRules) return [];
  const message = `${always.length} rules name no alert and are asked for every one: give them \`on\``;
  return [{ ...first.position, severity: "warning", code: "MANY_RULES_FOR_ALL", message }];
}

function assemble(
  revision: string,
  { byName }: Templates,
  { policies }: Policies,
  rest: Pick<CatalogContent, "revoked" | "pauses" | "actions" | "actionFiles" | "scopes">,
): CatalogContent {
  const compiled = [...byName].flatMap(([name, one]) => (one === null ? [] : [[name, one] as const]));
  return {
    revision,
    templates: new Map(compiled.map(([name, { template }]) => [name, template])),
    ...rest,
    templateFacts: new Map(compiled.map(([name, { facts }]) => [name, facts])),
    selection: policies.flatMap((policy) => policy.selection),
    guards: policies.flatMap((policy) => policy.guards),
    dependencies: policies.flatMap((policy) => policy.dependencies),
  };
}

/** A shared condition is read wherever it is used; what is wrong with it is said once. */
function withoutRepetition(findings: readonly Finding[]): readonly Finding[] {
  const byText = findings.map(
    (one) => [`${one.file}:${one.line}:${one.column} ${one.code} ${one.message}`, one] as const,
  );
  return [...new Map(byText).values()];
}

function byPosition(left: Finding, right: Finding): number {
  const byFile = left.file < right.file ? -1 : left.file > right.file ? 1 : 0;
  return byFile || left.line - right.line || left.column - right.column;
}

/**
 * Reads `actions/`, `templates/`, `policies/` (not `policies/tests/`), the same below `teams/<team>/`, `catalog.yaml` and `pause.yaml`;
 * all other files are none of its business.
 */
export function compileCatalog(
  files: readonly CatalogText[],
  revision: string,
  actions: readonly ActionDescription[],
  scopes: readonly Scope[] = [],
  accepted = false,
): CatalogCompilation {
  const { content, findings } = compileContent(files, revision, actions, scopes, accepted);
  return { catalog: content === null ? null : openCatalog(content), findings };
}

/**
 * Seconds of work for thousands of rules: the controller has it done by another thread (adapters/catalog-compiler.ts).
 * @param accepted it was taken into use before: a scope that was narrowed since does not unload it, its plans are refused one by one
 */
export function compileContent(
  files: readonly CatalogText[],
  revision: string,
  actions: readonly ActionDescription[],
  scopes: readonly Scope[] = [],
  accepted = false,
): ContentCompilation {
  const known = compileActions(filesUnder("actions", files), actions);
  const templates = compileTemplates(filesUnder("templates", files), known.index);
  const own = compileCatalogFile(files, templates);
  const paused = compilePauses(files);
  const surroundings = { templates: templates.byName, calendars: own.calendars };
  const policies = compilePolicies(filesUnder("policies", files), surroundings);
  const ambiguity = findAmbiguity(policies.policies.flatMap(({ selection }) => selection));
  const errors = [
    ...known.findings,
    ...own.findings,
    ...paused.findings,
    ...templates.findings,
    ...policies.findings,
    ...ambiguity,
    ...findCircles(policies.policies.flatMap(({ dependencies }) => dependencies)),
  ];
  const content = assemble(revision, templates, policies, {
    actions: known.custom,
    actionFiles: known.files,
    scopes,
    revoked: own.revoked,
    pauses: paused.pauses,
  });
  const bounded = catalogFolders.flatMap((folder) => filesUnder(folder, files));
  const beyond = checkScopes(content, bounded, known.index);
  const findings = withoutRepetition([...errors, ...beyond, ...warnOfAlways(content)]).toSorted(byPosition);
  const stopping = accepted ? findings.filter((one) => !beyond.includes(one)) : findings;
  return { content: hasErrors(stopping) ? null : content, findings };
}
