// Collects findings of one document while it is compiled, each at the position of the part that it is about.
import type { ExpressionFault } from "../expressions/check-expression.ts";
import type { Finding } from "../finding.ts";
import type { DataPath, YamlDocument } from "../yaml-findings.ts";

export interface FindingList {
  readonly found: readonly Finding[];
  error(
    path: DataPath,
    code: string,
    message: string,
    at?: { readonly key?: boolean; readonly offset?: number },
  ): void;
  warning(path: DataPath, code: string, message: string): void;
  /** Faults of an expression that begins `shift` characters into the string at `path`. */
  faults(path: DataPath, faults: readonly ExpressionFault[], shift?: number): void;
}

export function findingList(document: YamlDocument): FindingList {
  const found: Finding[] = [];
  const error: FindingList["error"] = (path, code, message, at = {}) => {
    found.push({ ...document.position(path, at), severity: "error", code, message });
  };
  return {
    found,
    error,
    warning(path, code, message) {
      found.push({ ...document.position(path), severity: "warning", code, message });
    },
    faults(path, faults, shift = 0) {
      for (const { message, offset } of faults)
        error(path, "EXPRESSION", message, { offset: offset + shift });
    },
  };
}
