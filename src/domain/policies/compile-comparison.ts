// One comparison of a condition: fact, operator and value, prepared as data and checked.
import { didYouMean } from "../did-you-mean.ts";
import type { FetchedFact } from "../facts/facts.ts";
import { isObject, type Json, type JsonObject } from "../json.ts";
import { factOf } from "../templates/fact-of.ts";
import type { FindingList } from "../templates/finding-list.ts";
import type { DataPath } from "../yaml-findings.ts";
import { compileValue } from "./compile-value.ts";
import { type ConditionContext, missingCounts, type Place } from "./condition-context.ts";
import { factPlace, placeText } from "./fact-place.ts";
import { prepareOperator, takesFact } from "./operators.ts";
import { type Condition, policySchema } from "./policy.generated.ts";
import type { FactName, FactPlace, Leaf } from "./rule.ts";

const factNames: readonly string[] = policySchema.definitions.condition.properties.fact.enum;

/** What a comparison compares with, with everything wrong about it reported. */
interface Wanted {
  readonly wanted: Json;
  readonly other: FactPlace | null;
  readonly text: string;
}

function otherFact(
  operator: Comparison["operator"],
  value: JsonObject,
  at: DataPath,
  context: ConditionContext,
): Wanted | null {
  const { list } = context;
  const { fact, path = "$", ...rest } = value;
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) {
    list.error([...at, unknown], "UNKNOWN_KEY", `a fact's value is {fact, path}; unknown key "${unknown}"`, {
      key: true,
    });
    return null;
  }
  if (typeof fact !== "string" || !factNames.includes(fact) || typeof path !== "string") {
    const text = JSON.stringify(fact);
    const message = `${text} is no fact${didYouMean(text.replaceAll('"', ""), factNames)}`;
    list.error([...at, "fact"], "WRONG_VALUE", message);
    return null;
  }
  if (!takesFact(operator)) {
    list.error(
      at,
      "WRONG_VALUE",
      `"${operator}" needs a value that stands in the policy, not another fact's`,
    );
    return null;
  }
  const place = factPlace(fact as FactName, path, at, context);
  return place === null ? null : { wanted: null, other: place, text: placeText(place) };
}

function wantedOf({ operator, value }: Comparison, at: DataPath, context: ConditionContext): Wanted | null {
  if (isObject(value) && "fact" in value) return otherFact(operator, value, at, context);
  const compiled = compileValue(operator, value, context);
  if ("fault" in compiled) {
    context.list.error(at, compiled.code, compiled.fault);
    return null;
  }
  const prepared = prepareOperator(operator, compiled.wanted);
  if ("fault" in prepared) {
    context.list.error(at, "WRONG_VALUE", prepared.fault);
    return null;
  }
  return { wanted: compiled.wanted, other: null, text: JSON.stringify(value) };
}

interface Comparison {
  readonly fact: FactName;
  readonly operator: NonNullable<Condition["operator"]>;
  readonly value: Json;
}

/** null: keys are missing. */
function comparisonOf(condition: Condition, { path }: Place, list: FindingList): Comparison | null {
  const { fact, operator, value } = condition;
  if (fact !== undefined && operator !== undefined && value !== undefined)
    return { fact, operator, value: value as Json };
  const absent = (["fact", "operator", "value"] as const).filter((key) => condition[key] === undefined);
  const message = `a comparison needs fact, operator and value; "${absent.join('", "')}" is missing`;
  list.error(path, "MISSING_KEY", message);
  return null;
}

/** null: something is wrong with it, and reported. */
export function compileComparison(condition: Condition, at: Place, context: ConditionContext): Leaf | null {
  const { leaves } = context;
  const comparison = comparisonOf(condition, at, context.list);
  if (comparison === null) return null;
  const place = factPlace(comparison.fact, condition.path ?? "$", at.path, context);
  const wanted = wantedOf(comparison, [...at.path, "value"], context);
  if (place === null || wanted === null) return null;
  const { operator } = comparison;
  const leaf: Leaf = {
    kind: "comparison",
    id: leaves.length,
    helps: at.helps,
    whenMissing: condition.missing ?? missingCounts(context, at.helps),
    missingStated: condition.missing !== undefined,
    facts: factsAt([place, ...(wanted.other === null ? [] : [wanted.other])]),
    text: `${placeText(place)} ${operator} ${wanted.text}`,
    ...place,
    wanted: wanted.wanted,
    other: wanted.other,
    operator,
  };
  leaves.push(leaf);
  return leaf;
}

function factsAt(places: readonly FactPlace[]): readonly FetchedFact[] {
  const facts = places.map(({ fact, path }) => factOf({ root: fact, path: path.map(String) }));
  return [...new Set(facts.filter((fact) => fact !== null))];
}
