// `gitmend test` on a terminal: a line for each test, and for each that failed what was expected, what came, and why.
import type { Json } from "../domain/json.ts";
import { clean, pad, wrap } from "./layout.ts";
import { paintFor } from "./paint.ts";
import { counted } from "./render-findings.ts";
import type { TestResult } from "./run-policy-tests.ts";

interface Screen {
  readonly columns: number;
  readonly colours: boolean;
}

export function renderTests(results: readonly TestResult[], screen: Screen): string {
  const paint = paintFor(screen.colours);
  const byFile = Map.groupBy(results, ({ position }) => position.file);
  const files = [...byFile].flatMap(([file, own]) => [
    paint("strong", clean(file)),
    ...own.flatMap((result) => resultLines(result, screen)),
    "",
  ]);
  return `${[...files, summary(results, screen)].join("\n")}\n`;
}

function summary(results: readonly TestResult[], { colours }: Screen): string {
  const paint = paintFor(colours);
  const failed = results.filter(({ passed }) => !passed).length;
  const passed = `${results.length - failed} passed`;
  return failed === 0
    ? paint("good", passed)
    : `${paint("bad", `${failed} failed`)}, ${passed} of ${counted(results.length, "test")}`;
}

function resultLines(result: TestResult, screen: Screen): readonly string[] {
  const paint = paintFor(screen.colours);
  const name = clean(result.name);
  if (result.passed) return [`  ${paint("good", "✔")} ${name}`];
  return [`  ${paint("bad", "✖")} ${name}`, ...failureLines(result, screen)];
}

function failureLines({ differences, problem, simulation, position }: TestResult, screen: Screen) {
  const paint = paintFor(screen.colours);
  const { columns } = screen;
  const parts = differences
    .toSorted(byPlace)
    .flatMap(({ path, expected, got, position: place }) => [
      `      ${path.slice(1).join(".")} ${paint("quiet", placeText(place))}`,
      ...hanging("  expected ", valueText(expected), columns),
      ...hanging("  got      ", valueText(got), columns),
    ]);
  const lines = parts.length > 0 ? parts : [`      ${paint("quiet", placeText(position))}`];
  const asked = simulation?.rules.map(({ text }) => text) ?? [];
  const why = [
    ...(problem === null ? [] : [`no plan: ${problem}`]),
    ...(asked.length > 0 || simulation === null ? asked : simulation.selection.reasons),
  ];
  return [
    ...lines,
    ...why.flatMap((text) => hanging("- ", text, columns).map((line) => paint("quiet", line))),
  ];
}

type Place = TestResult["position"];

function byPlace(left: { readonly position: Place }, right: { readonly position: Place }): number {
  return left.position.line - right.position.line || left.position.column - right.position.column;
}

function placeText({ file, line, column }: Place): string {
  return clean(`${file}:${line}:${column}`);
}

/** The words before stay in the margin. */
function hanging(before: string, text: string, columns: number): readonly string[] {
  const margin = `      ${before}`;
  return wrap(clean(text), Math.max(columns - margin.length, 20)).map((line, index) =>
    index === 0 ? margin + line : pad("", margin.length) + line,
  );
}

function valueText(value: Json): string {
  if (value === null || (Array.isArray(value) && value.length === 0)) return "nothing";
  return typeof value === "string" ? value : JSON.stringify(value);
}
