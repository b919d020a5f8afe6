// What a policy test expects against what came of its alert: only what stands in the test is compared.
import type { Gate, Mode } from "../gate/gate.ts";
import { canonicalJson, type Json } from "../json.ts";
import type { Plan } from "../planning/plan.ts";
import type { Selection } from "../policies/selection.ts";
import type { DataPath } from "../yaml-findings.ts";
import type { Expect } from "./policy-test.generated.ts";

export interface TestedDecision {
  readonly selection: Selection;
  /** null: nothing is chosen, or no plan can be made. */
  readonly plan: Plan | null;
  readonly gate: Gate | null;
  readonly mode: Mode | null;
}

export interface Difference {
  /** In the test: `["expect", "gate"]`. */
  readonly path: DataPath;
  readonly expected: Json;
  /** null: there is nothing of the kind. */
  readonly got: Json;
}

type Comparison = (decision: TestedDecision) => Json;

const gotten: { readonly [Key in Exclude<keyof Expect, "escalate" | "parameters" | "reason">]: Comparison } =
  {
    template: ({ selection }) => (selection.kind === "match" ? selection.template : null),
    rule: ({ selection }) => (selection.kind === "none" ? null : selection.rule),
    gate: ({ gate }) => gate?.kind ?? null,
    approvals: ({ gate }) => approvalsOf(gate),
    from: ({ gate }) => (gate?.kind === "approval" ? sorted(gate.demands.flatMap(({ from }) => from)) : []),
    risk: ({ plan }) => plan?.risk ?? null,
    mode: ({ mode }) => mode,
    steps: ({ plan }) => plan?.steps.map(({ name }) => name) ?? null,
  };

/** Empty: the test passes. */
export function judgePolicyTest(expect: Expect, decision: TestedDecision): readonly Difference[] {
  const differences: Difference[] = [];
  const compare = (path: DataPath, expected: Json, got: Json) => {
    if (canonicalJson(expected) !== canonicalJson(got))
      differences.push({ path: ["expect", ...path], expected, got });
  };
  for (const [key, of] of Object.entries(gotten)) {
    const expected = expect[key as keyof typeof gotten];
    if (expected === undefined) continue;
    compare([key], key === "from" ? sorted(expected as string[]) : (expected as Json), of(decision));
  }
  const { parameters } = decision.plan ?? {};
  for (const [name, expected] of Object.entries(expect.parameters ?? {}))
    compare(["parameters", name], expected as Json, parameters?.[name] ?? null);
  return [...differences, ...judgeEscalation(expect, decision), ...judgeReason(expect, decision)];
}

function judgeEscalation({ escalate }: Expect, { selection }: TestedDecision): readonly Difference[] {
  if (escalate === undefined) return [];
  if (selection.kind !== "escalate") return [{ path: ["expect", "escalate"], expected: escalate, got: null }];
  const differences: Difference[] = [];
  const { to, severity, message } = escalate;
  const differs = (key: string, expected: Json, got: Json) =>
    void differences.push({ path: ["expect", "escalate", key], expected, got });
  if (to !== undefined && to !== selection.to) differs("to", to, selection.to);
  if (severity !== undefined && severity !== selection.severity)
    differs("severity", severity, selection.severity);
  if (message !== undefined && !selection.message.includes(message))
    differs("message", message, selection.message);
  return differences;
}

function judgeReason({ reason }: Expect, { gate, selection }: TestedDecision): readonly Difference[] {
  if (reason === undefined) return [];
  const reasons = gate === null ? selection.reasons : gate.reasons.map((one) => `${one.rule}: ${one.reason}`);
  if (reasons.some((text) => text.includes(reason))) return [];
  return [{ path: ["expect", "reason"], expected: reason, got: [...reasons] }];
}

/** One person may count for several demands: the largest of them needs the most people. */
function approvalsOf(gate: Gate | null): number | null {
  if (gate === null || gate.kind === "refused") return null;
  return gate.kind === "open" ? 0 : Math.max(...gate.demands.map(({ approvals }) => approvals));
}

function sorted(names: readonly string[]): string[] {
  return [...new Set(names)].toSorted();
}
