// Findings for people, for GitHub's annotations, and as SARIF for code scanning.
import { isAbsolute } from "node:path";
import { pathToFileURL } from "node:url";
import type { Finding } from "../domain/finding.ts";
import { clean } from "./layout.ts";
import { paintFor } from "./paint.ts";

export function byPosition(left: Finding, right: Finding): number {
  if (left.file !== right.file) return left.file < right.file ? -1 : 1;
  return left.line - right.line || left.column - right.column;
}

export function findingsText(findings: readonly Finding[], files: number, colours: boolean): string {
  const lines = findings.map((finding) => findingLine(finding, colours));
  return `${[...lines, summary(findings, files)].join("\n")}\n`;
}

/** `file:line:column severity code message`. */
export function findingLine(
  { file, line, column, severity, code, message }: Finding,
  colours: boolean,
): string {
  const paint = paintFor(colours);
  const tone = severity === "error" ? "bad" : "attention";
  return `${paint("strong", clean(`${file}:${line}:${column}`))} ${paint(tone, severity)} ${code} ${clean(message)}`;
}

function summary(findings: readonly Finding[], files: number): string {
  const where = `in ${counted(files, "file")}`;
  if (findings.length === 0) return `no findings ${where}`;
  const errors = findings.filter(({ severity }) => severity === "error").length;
  return `${counted(errors, "error")}, ${counted(findings.length - errors, "warning")} ${where}`;
}

export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** Workflow commands of GitHub Actions: shown beside the line in the pull request. */
export function githubLines(findings: readonly Finding[]): string {
  return findings.map(githubLine).join("");
}

function githubLine({ file, line, column, severity, code, message }: Finding): string {
  const property = (text: string) => data(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
  return `::${severity} file=${property(file)},line=${line},col=${column},title=${property(code)}::${data(message)}\n`;
}

function data(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

/** SARIF 2.1.0, one run: what GitHub's code scanning takes. */
export function sarifOf(findings: readonly Finding[], version: string): object {
  const codes = [...new Set(findings.map(({ code }) => code))].toSorted();
  const rules = codes.map((id) => ({ id, shortDescription: { text: wordsOf(id) } }));
  const results = findings.map(({ file, line, column, severity, code, message }) => ({
    ruleId: code,
    ruleIndex: codes.indexOf(code),
    level: severity,
    message: { text: clean(message) },
    locations: [
      {
        physicalLocation: {
          artifactLocation: artifactOf(file),
          region: { startLine: line, startColumn: column },
        },
      },
    ],
  }));
  return {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [{ tool: { driver: { name: "gitmend", version, rules } }, columnKind: "utf16CodeUnits", results }],
  };
}

/** `UNKNOWN_KEY` -> `Unknown key`. */
function wordsOf(code: string): string {
  const words = code.toLowerCase().replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Relative to the repository's root, where GitHub looks for it; that is where the command is run. */
function artifactOf(file: string): object {
  if (isAbsolute(file)) return { uri: pathToFileURL(file).href };
  return { uri: file.split("/").map(encodeURIComponent).join("/"), uriBaseId: "%SRCROOT%" };
}
