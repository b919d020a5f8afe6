// policies/tests/ -> the tests of policies, or everything that is wrong with them. The controller never reads these files.
import { type Finding, hasErrors } from "../finding.ts";
import { secondsBetween } from "../instant.ts";
import { isObject, type Json } from "../json.ts";
import { isPolicyTestFile } from "../policies/catalog-files.ts";
import type { CatalogText } from "../policies/compile-catalog.ts";
import { type SchemaCheck, schemaCheck } from "../schema-findings.ts";
import { type FindingList, findingList } from "../templates/finding-list.ts";
import { type DataPath, type DocumentPosition, readYaml, type YamlDocument } from "../yaml-findings.ts";
import { type PolicyTest, type PolicyTestFile, policyTestSchema } from "./policy-test.generated.ts";

export interface PlacedTest {
  readonly test: PolicyTestFile[number];
  /** Of a part of the test: `["expect", "gate"]`; `[]` is the test itself. */
  readonly position: (path: DataPath) => DocumentPosition;
}

export interface PolicyTestReading {
  /** Of the files without errors. */
  readonly tests: readonly PlacedTest[];
  readonly findings: readonly Finding[];
}

export function readPolicyTests(files: readonly CatalogText[]): PolicyTestReading {
  const { policyTest } = policyTestSchema.definitions;
  const checks: Checks = {
    file: schemaCheck(policyTestSchema),
    test: schemaCheck({ ...policyTest, definitions: policyTestSchema.definitions }),
  };
  const readings = files
    .filter(({ path }) => isPolicyTestFile(path))
    .map(({ path, text }) => {
      const { document, findings } = readYaml(path, text);
      return document === null ? { tests: [], findings } : readFile(document, checks);
    });
  return {
    tests: readings.flatMap(({ tests }) => tests),
    findings: readings.flatMap(({ findings }) => findings),
  };
}

interface Checks {
  readonly file: SchemaCheck;
  readonly test: SchemaCheck;
}

/** Test by test, so that what is wrong with one hides nothing of the others. */
function readFile(document: YamlDocument, checks: Checks): PolicyTestReading {
  const { value } = document;
  if (!Array.isArray(value) || value.length === 0 || value.length > policyTestSchema.maxItems)
    return { tests: [], findings: checks.file(document) };
  const list = findingList(document);
  const names = new Set<string>();
  const tests: PlacedTest[] = [];
  const faults: Finding[] = [];
  for (const [index, entry] of value.entries()) {
    const position: YamlDocument["position"] = (path, at) => document.position([index, ...path], at);
    if (isObject(entry) && Object.hasOwn(entry, "timeline")) {
      list.error([index, "timeline"], "TIMELINE_NOT_SUPPORTED", noTimeline, { key: true });
      continue;
    }
    const wrong = checks.test({ file: document.file, value: entry as Json, position });
    faults.push(...wrong);
    if (wrong.length > 0) continue;
    const test = entry as unknown as PolicyTest;
    checkTest(test, index, names, list);
    tests.push({ test, position });
  }
  const findings = [...faults, ...list.found];
  return { tests: hasErrors(findings) ? [] : tests, findings };
}

const noTimeline =
  "a timeline cannot be tested yet: write a test of one `alert`, with `given.history` as it would be then";

function checkTest(test: PolicyTest, index: number, names: Set<string>, list: FindingList): void {
  const { name, expect } = test;
  if (names.has(name))
    list.error([index, "name"], "DUPLICATE_NAME", `another test of this file is called "${name}" too`);
  names.add(name);
  if (Object.keys(expect).length === 0) {
    const message = "a test that expects nothing cannot fail: say what must come of it";
    list.error([index, "expect"], "NOTHING_EXPECTED", message);
  }
  checkInstants(test, index, list);
}

/** The schema knows their shape; the thirtieth of February has that too. */
function checkInstants({ alert, given }: PolicyTest, index: number, list: FindingList): void {
  const attempts = given?.history?.attempts ?? [];
  const instants: readonly (readonly [DataPath, string | undefined])[] = [
    [["alert", "startsAt"], alert.startsAt],
    [["alert", "endsAt"], alert.endsAt],
    [["given", "now"], given?.now],
    ...attempts.map(({ at }, attempt) => [["given", "history", "attempts", attempt, "at"], at] as const),
  ];
  for (const [path, instant] of instants) {
    if (instant === undefined || !Number.isNaN(secondsBetween(instant, instant))) continue;
    list.error([index, ...path], "WRONG_VALUE", `there is no such time: "${instant}"`);
  }
}
