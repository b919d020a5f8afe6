// Which facts are worth a call for an alert: those that its rules read, and those that the templates they may choose read.
import type { FetchedFact } from "../facts/facts.ts";
import { bucketsFor, type Catalog } from "./catalog.ts";
import { choicesOf } from "./ladder.ts";

export function factsNeeded(alertName: string, catalog: Catalog): ReadonlySet<FetchedFact> {
  const needed = new Set<FetchedFact>();
  const add = (facts: Iterable<FetchedFact>) => {
    for (const fact of facts) needed.add(fact);
  };
  for (const { rules } of bucketsFor(alertName, catalog.selection)) {
    for (const { facts, event } of rules) {
      add(facts);
      if (event.type !== "select-template") continue;
      for (const { template } of choicesOf(event.params)) add(catalog.templateFacts.get(template) ?? []);
    }
  }
  for (const { rules } of bucketsFor(alertName, catalog.guards)) {
    for (const { facts } of rules) add(facts);
  }
  return needed;
}
