// The strings of an event, which may hold `{{ }}`: where they stand, what they read, and which facts that needs.
import { readText } from "../expressions/check-expression.ts";
import type { Access } from "../expressions/compile-expression.ts";
import type { FetchedFact } from "../facts/facts.ts";
import type { Json } from "../json.ts";
import { factOf } from "../templates/fact-of.ts";
import type { FindingList } from "../templates/finding-list.ts";
import type { DataPath } from "../yaml-findings.ts";
import { asksOwner, ownerTeam } from "./owner-team.ts";
import type { Rule, SelectTemplate } from "./policy.generated.ts";

/** Strings of an event at any depth, with their paths. */
export function stringsOf(
  value: Json,
  path: DataPath,
): readonly { readonly text: string; readonly path: DataPath }[] {
  if (typeof value === "string") return [{ text: value, path }];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) =>
    stringsOf(member ?? null, [...path, Array.isArray(value) ? Number(key) : key]),
  );
}

/** Reads every `{{ }}` of an event's value and reports what is wrong with it. */
export function readStrings(
  value: Json,
  path: DataPath,
  list: FindingList,
): readonly { readonly access: Access; readonly path: DataPath; readonly offset: number }[] {
  return stringsOf(value, path).flatMap(({ text, path: here }) => {
    const reading = readText(text, "selection");
    list.faults(here, reading.faults);
    const accesses = reading.expressions.flatMap(({ expression, offset }) =>
      expression.accesses.map((access) => ({ access, path: here, offset: offset + access.offset })),
    );
    for (const { offset } of accesses.filter(({ access: { root } }) => root === "shared"))
      list.faults(here, [{ message: "shared() is for `when`: it is not known here", offset }]);
    return accesses;
  });
}

/** Facts that an event reads; what is wrong with its `{{ }}` is reported here. */
export function eventFacts({ event }: Rule, path: DataPath, list: FindingList): readonly FetchedFact[] {
  const params = [...path, "event", "params"];
  switch (event.type) {
    case "select-template":
      return [
        ...factsRead(event.params.parameters as Json, [...params, "parameters"], list),
        ...ladderFacts(event, [...params, "ladder"], list),
      ];
    case "escalate":
      return messageFacts(event.params, params, list);
    case "require-approval":
      return asksOwner(event.params) ? ["owner"] : [];
    default:
      return [];
  }
}

function ladderFacts(
  { params: { ladder } }: SelectTemplate,
  path: DataPath,
  list: FindingList,
): readonly FetchedFact[] {
  if (ladder === undefined) return [];
  const read = ladder.flatMap(({ parameters, escalate }, index) => [
    ...factsRead(parameters as Json, [...path, index, "parameters"], list),
    ...(escalate === undefined ? [] : messageFacts(escalate, [...path, index, "escalate"], list)),
  ]);
  return ["history", ...read];
}

function messageFacts(
  { message, to }: { readonly message: string; readonly to?: string },
  path: DataPath,
  list: FindingList,
): readonly FetchedFact[] {
  return [
    ...factsRead(message, [...path, "message"], list),
    ...(to === ownerTeam ? (["owner"] as const) : []),
  ];
}

function factsRead(value: Json, path: DataPath, list: FindingList): readonly FetchedFact[] {
  return readStrings(value, path, list)
    .map(({ access }) => factOf(access))
    .filter((fact) => fact !== null);
}
