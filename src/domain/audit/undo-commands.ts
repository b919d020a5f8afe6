// kubectl commands that take back by hand what an execution changed and did not take back itself, or that do by hand what it did not
// get done. Conditional where kubectl allows it: a JSON patch tests that the field still holds what it held then.
import type { Change } from "../execution/execution.ts";
import { type ObjectRef, objectText } from "../facts/objects.ts";
import type { Json } from "../json.ts";
import {
  type CreateEffect,
  type Effect,
  effectText,
  type FieldChange,
  type PatchEffect,
} from "../planning/effect.ts";
import { hidden, redactJson } from "../redact.ts";

export interface ByHand {
  readonly step: string;
  readonly object: string;
  /** One command a line; empty: there is nothing to type. */
  readonly commands: readonly string[];
  /** What to know before typing. */
  readonly note: string;
}

/** Newest change first: that is the order to type them in. */
export function undoByHand(changes: readonly Change[]): readonly ByHand[] {
  return changes
    .filter(({ undoStatus }) => undoStatus !== "undone")
    .map(undoOf)
    .reverse();
}

function undoOf({ step, effect }: Pick<Change, "step" | "effect">): ByHand {
  switch (effect.kind) {
    case "send":
      return {
        step,
        object: effect.channel,
        commands: [],
        note: "a message was sent; it cannot be called back",
      };
    case "delete":
      return {
        step,
        object: objectText(effect.object),
        commands: [],
        note: "it was deleted; its controller makes a new one, the old one cannot come back",
      };
    case "create":
      return { step, object: objectText(effect.object), ...undoOfRun(effect) };
    case "request":
      return {
        step,
        object: effectText(effect),
        commands: [],
        note: "another system was called: look there at what it did",
      };
    case "branch":
      return {
        step,
        object: effectText(effect),
        commands: [],
        note: "delete the branch if it is not merged; revert its merge if it is",
      };
    case "patch":
      return { step, object: objectText(effect.object), ...undoOfPatch(withoutSecrets(effect)) };
  }
}

/** The same change once more. */
export function doByHand(step: string, effect: Effect): ByHand {
  switch (effect.kind) {
    case "send":
      return { step, object: effect.channel, commands: [], note: "tell them yourself" };
    case "create":
      return {
        step,
        object: objectText(effect.object),
        commands: [],
        note: "fork the execution from this step",
      };
    case "branch":
      return { step, object: effectText(effect), commands: [], note: "merge the branch" };
    case "request":
      return { step, object: effectText(effect), commands: [], note: "call the other system yourself" };
    case "delete":
      return {
        step,
        object: objectText(effect.object),
        commands: [`kubectl${inNamespace(effect.object)} delete ${resource(effect.object)}`],
        note: "",
      };
    case "patch":
      return { step, object: objectText(effect.object), ...forward(withoutSecrets(effect)) };
  }
}

/** To do it is to undo that it was undone. */
function forward(effect: PatchEffect): { commands: readonly string[]; note: string } {
  const { object, changes } = effect;
  if (isRestart(changes)) {
    return { commands: [`kubectl${inNamespace(object)} rollout restart ${resource(object)}`], note: "" };
  }
  const turned = changes.map(({ pointer, before, after }) => ({
    pointer,
    ...(after === undefined ? {} : { before: after }),
    ...(before === undefined ? {} : { after: before }),
  }));
  const { commands, note } = undoOfPatch({ ...effect, changes: turned });
  const rollsBack = commands.some((command) => command.includes(" rollout undo "));
  return rollsBack
    ? { commands: [], note: "its values are not in the record: fork the execution" }
    : { commands, note };
}

function isRestart(changes: readonly FieldChange[]): boolean {
  return changes.every(({ pointer }) => pointer.endsWith("kubectl.kubernetes.io~1restartedAt"));
}

function inNamespace({ namespace }: ObjectRef): string {
  return namespace === null ? "" : ` -n ${quoted(namespace)}`;
}

function resource({ apiVersion, kind, name }: ObjectRef): string {
  const group = apiVersion.includes("/") ? `.${apiVersion.split("/")[0]}` : "";
  const plain = group === "" || group === ".apps" ? kind.toLowerCase() : `${kind.toLowerCase()}${group}`;
  return quoted(`${plain}/${name}`);
}

/** Ends what runs still; what it has done stays. */
function undoOfRun({ object }: CreateEffect): { commands: readonly string[]; note: string } {
  return {
    commands: [`kubectl${inNamespace(object)} delete ${resource(object)}`],
    note:
      object.kind === "RoleBinding"
        ? "takes the rights away again"
        : "ends it if it runs still; what it has done stays",
  };
}

function undoOfPatch({ object, changes }: PatchEffect): { commands: readonly string[]; note: string } {
  const written = changes.filter(({ pointer }) => !pointer.startsWith("/metadata/annotations/gitmend.dev"));
  const only = written.length === 1 ? written[0] : undefined;
  const on = `kubectl${inNamespace(object)}`;
  const thing = quoted(`${object.kind.toLowerCase()}/${object.name}`);
  if (
    only?.pointer === "/spec/replicas" &&
    typeof only.before === "number" &&
    typeof only.after === "number"
  ) {
    const commands = [`${on} scale ${thing} --current-replicas=${only.after} --replicas=${only.before}`];
    return { commands, note: "conditional: refuses when somebody has scaled it since" };
  }
  if (only?.pointer === "/spec/unschedulable" && object.kind === "Node") {
    const command = only.after === true ? "uncordon" : "cordon";
    return { commands: [`kubectl ${command} ${quoted(object.name)}`], note: "" };
  }
  if (isRestart(written)) {
    return { commands: [], note: "a restart; there is nothing to take back" };
  }
  return patchBack(object, written, `${on} patch ${thing} --type=json -p`, `${on} rollout undo ${thing}`);
}

/** Before anything is made of them: a value is judged by the pointer that it stands at. */
function withoutSecrets(effect: PatchEffect): PatchEffect {
  return redactJson(effect as unknown as Json) as unknown as PatchEffect;
}

function patchBack(
  { kind }: ObjectRef,
  changes: readonly FieldChange[],
  patch: string,
  rolloutUndo: string,
): { commands: readonly string[]; note: string } {
  const text = JSON.stringify(changes.flatMap(back));
  const rollable = ["Deployment", "StatefulSet", "DaemonSet"].includes(kind);
  const template = changes.every(({ pointer }) => pointer.startsWith("/spec/template"));
  if (rollable && template && (text.includes(hidden) || text.length > 1_500)) {
    return {
      commands: [rolloutUndo],
      note: "goes back to the revision before; look at `kubectl rollout history` first",
    };
  }
  if (text.includes(hidden)) {
    return {
      commands: [],
      note: "the old values hold secrets and are not in the record: restore the fields from their source",
    };
  }
  return {
    commands: [`${patch} ${quoted(text)}`],
    note: "conditional: refuses when a field has changed since",
  };
}

function back({ pointer, before, after }: FieldChange): readonly Json[] {
  const test: readonly Json[] = after === undefined ? [] : [{ op: "test", path: pointer, value: after }];
  if (before === undefined) return [...test, { op: "remove", path: pointer }];
  return [...test, { op: after === undefined ? "add" : "replace", path: pointer, value: before }];
}

/** For a POSIX shell. */
function quoted(text: string): string {
  return /^[\w./:@=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
