// Many rules asked at once: json-rules-engine does the logic, the leaves are answered by prepared comparisons.
// An answer that is not there (unavailable fact, failed expression) is tried both ways: if the rule comes out the same, it
// does not matter; if not, the rule is open and says why.
import { Engine, type RuleProperties, type TopLevelCondition } from "json-rules-engine";
import { Problem } from "../problem.ts";
import { type LeafAnswer, questionOf } from "./ask-leaf.ts";
import { type FactPath, readFactPath } from "./fact-path.ts";
import type { FactValues } from "./fact-values.ts";
import type { ConditionTree, Leaf, RuleBase } from "./rule.ts";

export type RuleState = "holds" | "fails" | "open";

export interface RuleAnswer<R extends RuleBase> {
  readonly rule: R;
  readonly state: RuleState;
  readonly leaves: readonly { readonly leaf: Leaf; readonly answer: LeafAnswer }[];
}

export interface RuleSet<R extends RuleBase> {
  readonly rules: readonly R[];
  answer(values: FactValues): Promise<readonly RuleAnswer<R>[]>;
}

type Guess = "favourable" | "unfavourable";

interface Run {
  readonly values: FactValues;
  readonly guess: Guess;
  /** Answers by rule and leaf. */
  readonly answers: ReadonlyMap<string, Map<number, LeafAnswer>>;
}

function truth(leaf: Leaf, answer: LeafAnswer, guess: Guess): boolean {
  switch (answer.state) {
    case "answered":
      return answer.holds;
    case "missing":
      return leaf.whenMissing;
    case "unavailable":
    case "failed":
      return (guess === "favourable") === leaf.helps;
  }
}

/** Name of the operator that answers one leaf of one rule. */
function operatorName(rule: RuleBase, leaf: Leaf): string {
  return `${rule.name}#${leaf.id}`;
}

function engineCondition(tree: ConditionTree, rule: RuleBase): object {
  if ("all" in tree) return { all: tree.all.map((part) => engineCondition(part, rule)) };
  if ("any" in tree) return { any: tree.any.map((part) => engineCondition(part, rule)) };
  if ("not" in tree) return { not: engineCondition(tree.not, rule) };
  const { leaf } = tree;
  const operator = operatorName(rule, leaf);
  if (leaf.kind === "expression") return { fact: "alert", operator, value: leaf.id };
  return { fact: leaf.fact, path: leaf.pathText, operator, value: leaf.id };
}

function engineRule(rule: RuleBase): RuleProperties {
  const conditions = { all: [engineCondition(rule.condition, rule)] } as TopLevelCondition;
  return { name: rule.name, conditions, event: { type: "holds" } };
}

function makeEngine(rules: readonly RuleBase[], current: () => Run): Engine {
  const paths = new Map<string, FactPath>();
  const pathResolver = (value: object, path: string) => readFactPath(value, paths.get(path) ?? []);
  const engine = new Engine([], { allowUndefinedFacts: true, pathResolver });
  for (const rule of rules) {
    for (const leaf of rule.leaves) {
      if (leaf.kind === "comparison") paths.set(leaf.pathText, leaf.path);
      const ask = questionOf(leaf);
      engine.addOperator(operatorName(rule, leaf), (found: unknown) => {
        const run = current();
        const answers = run.answers.get(rule.name);
        const answer = answers?.get(leaf.id) ?? ask(found, run.values);
        answers?.set(leaf.id, answer);
        return truth(leaf, answer, run.guess);
      });
    }
    engine.addRule(engineRule(rule));
  }
  return engine;
}

function isCertain(answers: ReadonlyMap<number, LeafAnswer>): boolean {
  return [...answers.values()].every(({ state }) => state === "answered" || state === "missing");
}

/** One run at a time: json-rules-engine keeps its status in the engine, and a run that ends would stop another one. */
function inTurn<T>(): (task: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (task) => {
    const result = last.then(task, task);
    last = result.catch(() => undefined);
    return result;
  };
}

/** Rules come to life when they are first asked: a catalog has many buckets, and few of them are. */
export function makeRuleSet<R extends RuleBase>(rules: readonly R[]): RuleSet<R> {
  let run: Run | null = null;
  let engine: Engine | null = null;
  const current = (): Run => {
    if (run === null) throw new Problem("INTERNAL", "a rule was asked outside a run");
    return run;
  };
  const ask = async (next: Run): Promise<ReadonlySet<string>> => {
    run = next;
    engine ??= makeEngine(rules, current);
    const known = Object.entries(next.values.scope).filter(([, value]) => value !== undefined);
    const { results } = await engine.run(Object.fromEntries(known));
    run = null;
    return new Set(results.map(({ name }) => String(name)));
  };
  const answerAll = async (values: FactValues): Promise<readonly RuleAnswer<R>[]> => {
    const answers = new Map(rules.map(({ name }) => [name, new Map<number, LeafAnswer>()] as const));
    const favourable = await ask({ values, guess: "favourable", answers });
    const certain = [...answers.values()].every(isCertain);
    const unfavourable = certain ? favourable : await ask({ values, guess: "unfavourable", answers });
    return rules.map((rule) => {
      const [atBest, atWorst] = [favourable.has(rule.name), unfavourable.has(rule.name)];
      const leaves = rule.leaves.flatMap((leaf) => {
        const answer = answers.get(rule.name)?.get(leaf.id);
        return answer === undefined ? [] : [{ leaf, answer }];
      });
      return { rule, state: atBest === atWorst ? (atBest ? "holds" : "fails") : "open", leaves };
    });
  };
  const turn = inTurn<readonly RuleAnswer<R>[]>();
  return {
    rules,
    answer: (values) => (rules.length === 0 ? Promise.resolve([]) : turn(() => answerAll(values))),
  };
}
