// policies/tests/ -> the tests of policies, or everything that is wrong with them. The controller never reads these files.
import { type Finding, hasErrors } from "../finding.ts";
import { secondsBetween } from "../instant.ts";
import { isObject, type Json } from "../json.ts";
import type { CatalogText } from "../policies/compile-catalog.ts";
import { schemaCheck } from "../schema-findings.ts";
import { type FindingList, findingList } from "../templates/finding-list.ts";
import { type DataPath, type DocumentPosition, readYaml, type YamlDocument } from "../yaml-findings.ts";
import { type PolicyTest, type PolicyTestFile, policyTestSchema } from "./policy-test.generated.ts";

export interface PlacedTest {
  readonly test: PolicyTest;
  /** Of a part of the test: `["expect", "gate"]`; `[]` is the test itself. */
  position(path: DataPath): DocumentPosition;
}

export interface PolicyTestReading {
  /** Of the files without errors. */
  readonly tests: readonly PlacedTest[];
  readonly findings: readonly Finding[];
}

/** `path` is relative to the catalog's root. */
export function isPolicyTestFile(path: string): boolean {
  return /^policies\/tests\/.+\.(?:ya?ml|json)$/.test(path);
}

export function readPolicyTests(files: readonly CatalogText[]): PolicyTestReading {
  const check = schemaCheck(policyTestSchema);
  const readings = files
    .filter(({ path }) => isPolicyTestFile(path))
    .map(({ path, text }) => {
      const { document, findings } = readYaml(path, text);
      return document === null ? { tests: [], findings } : readFile(document, check);
    });
  return {
    tests: readings.flatMap(({ tests }) => tests),
    findings: readings.flatMap(({ findings }) => findings),
  };
}

/** Stands where a timeline stood, so that one finding is enough for it. */
const placeholder = { name: "-", alert: { labels: { alertname: "-" } }, expect: {} };

function readFile(document: YamlDocument, check: ReturnType<typeof schemaCheck>): PolicyTestReading {
  const list = findingList(document);
  const value = Array.isArray(document.value)
    ? document.value.map((entry: Json, index) => withoutTimeline(entry, index, list))
    : document.value;
  const faults = check({ ...document, value });
  if (faults.length === 0) checkTests(value as unknown as PolicyTestFile, list);
  const findings = [...list.found, ...faults];
  if (hasErrors(findings)) return { tests: [], findings };
  const tests = (value as unknown as PolicyTestFile).map((test, index) => ({
    test,
    position: (path: DataPath) => document.position([index, ...path]),
  }));
  return { tests, findings };
}

function withoutTimeline(entry: Json, index: number, list: FindingList): Json {
  if (!isObject(entry) || !Object.hasOwn(entry, "timeline")) return entry;
  const message =
    "a timeline cannot be tested yet: write a test of one `alert`, with `given.history` as it would be then";
  list.error([index, "timeline"], "TIMELINE_NOT_SUPPORTED", message, { key: true });
  return placeholder;
}

function checkTests(tests: PolicyTestFile, list: FindingList): void {
  const seen = new Set<string>();
  for (const [index, test] of tests.entries()) {
    if (test === (placeholder as unknown)) continue;
    if (seen.has(test.name))
      list.error([index, "name"], "DUPLICATE_NAME", `another test of this file is called "${test.name}" too`);
    seen.add(test.name);
    if (Object.keys(test.expect).length === 0)
      list.error(
        [index, "expect"],
        "NOTHING_EXPECTED",
        "a test that expects nothing cannot fail: say what must come of it",
      );
    checkInstants(test, index, list);
  }
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
