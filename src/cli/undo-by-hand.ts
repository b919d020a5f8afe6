// How a person takes back what an execution changed: commands to copy. Each is conditional on the object's uid and on the value
// that gitmend wrote, so that it does nothing in another cluster and overwrites nobody else's later change.
import type { Change } from "../domain/execution/execution.ts";
import { objectText } from "../domain/facts/objects.ts";
import type { Json } from "../domain/json.ts";
import type { FieldChange, PatchEffect } from "../domain/planning/effect.ts";
import { unreachable } from "../domain/problem.ts";

export interface UndoByHand {
  readonly what: string;
  /** null: there is nothing to do, `what` says why. */
  readonly command: string | null;
}

export function undoByHand(change: Change): UndoByHand {
  const { effect, undo } = change;
  switch (effect.kind) {
    case "patch":
      return { what: objectText(effect.object), command: patchBack(effect) };
    case "delete": {
      const why = undo.how === "nothing" ? undo.why : "its owner makes a new one";
      return { what: `${objectText(effect.object)} was deleted: ${why}`, command: null };
    }
    case "send":
      return { what: `the message to ${effect.channel} cannot be taken back`, command: null };
    default:
      return unreachable(effect);
  }
}

/** Fields that people know: not the notes that gitmend leaves for itself. */
export function visibleChanges(changes: readonly FieldChange[]): readonly FieldChange[] {
  return changes.filter(({ pointer }) => !/^\/metadata\/annotations(\/gitmend\.dev~1|$)/.test(pointer));
}

function patchBack({ object, uid, changes }: PatchEffect): string {
  const operations = [
    { op: "test", path: "/metadata/uid", value: uid },
    ...visibleChanges(changes).toReversed().flatMap(operationsBack),
  ];
  const [group = "", version] = object.apiVersion.includes("/") ? object.apiVersion.split("/") : ["", ""];
  const kind = [object.kind.toLowerCase(), version, group].filter((part) => part !== "").join(".");
  const namespace = object.namespace === null ? "" : ` -n ${object.namespace}`;
  return `kubectl${namespace} patch ${kind} ${object.name} --type=json -p ${quoted(JSON.stringify(operations))}`;
}

function operationsBack({ pointer, before, after }: FieldChange): readonly object[] {
  const test: readonly object[] =
    after === undefined ? [] : [{ op: "test", path: pointer, value: after satisfies Json }];
  if (before === undefined) return [...test, { op: "remove", path: pointer }];
  return [...test, { op: after === undefined ? "add" : "replace", path: pointer, value: before }];
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
