// Of several alerts of one target, gathered before anything was decided, one is decided first and the others join: always the same
// one, whatever the order in which they came.
import type { ActionTools } from "../actions/action.ts";
import type { Alert } from "../domain/facts/alert.ts";
import type { Target } from "../domain/facts/objects.ts";
import { severityRank } from "../domain/intake/severity.ts";
import { bucketsFor, type Catalog } from "../domain/policies/catalog.ts";
import { factsNeeded } from "../domain/policies/facts-needed.ts";
import { selectTemplate } from "../domain/policies/select-template.ts";
import type { DecisionPorts } from "./decision-ports.ts";
import { gatherFacts } from "./gather-facts.ts";
import type { GatheredFiring } from "./hold-ports.ts";
import type { DueFiring } from "./ports.ts";

/** Names and severities of one target; more than these are decided in the order in which they came. */
const mostCompared = 10;

/** @returns why another one goes first, which is made due; null: this one does */
export async function whoGoesFirst(
  firing: DueFiring,
  key: string,
  target: Target | null,
  catalog: Catalog,
  tools: ActionTools,
  ports: DecisionPorts,
): Promise<string | null> {
  const gathered = await ports.holds.gathered(key, mostCompared);
  const alike = gathered.find((one) => isAlike(one.alert, firing.alert));
  if (gathered.length === 0 || (gathered.length === 1 && alike?.id === firing.id)) return null;
  const ranked = await Promise.all(gathered.map((one) => rank(one, target, catalog, tools, ports)));
  const [first] = ranked.toSorted(byRank);
  if (first === undefined || first.firing.id === firing.id) return null;
  await ports.holds.hasten(first.firing.id);
  const { name, severity } = first.firing.alert;
  return `${name}${severity === "" ? "" : ` (${severity})`} of the same target is decided first`;
}

function isAlike(one: Alert, other: Alert): boolean {
  return one.name === other.name && one.severity === other.severity;
}

interface Ranked {
  readonly firing: GatheredFiring;
  /** Of the rule that decides about it; 0: none does. */
  readonly priority: number;
}

async function rank(
  firing: GatheredFiring,
  target: Target | null,
  catalog: Catalog,
  tools: ActionTools,
  ports: DecisionPorts,
): Promise<Ranked> {
  const { alert } = firing;
  const facts = await gatherFacts(alert, factsNeeded(alert.name, catalog), tools, ports, target);
  const selection = await selectTemplate(facts, catalog);
  return { firing, priority: "rule" in selection ? priorityOf(selection.rule, alert, catalog) : 0 };
}

function priorityOf(rule: string, { name }: Alert, { selection }: Catalog): number {
  const rules = bucketsFor(name, selection).flatMap((bucket) => bucket.rules);
  return rules.find((one) => one.name === rule)?.priority ?? 0;
}

function byRank(left: Ranked, right: Ranked): number {
  const [one, two] = [left.firing.alert, right.firing.alert];
  return (
    right.priority - left.priority ||
    severityRank(two.severity) - severityRank(one.severity) ||
    (one.name === two.name ? (one.fingerprint < two.fingerprint ? -1 : 1) : one.name < two.name ? -1 : 1)
  );
}
