// What an execution has changed, as it is now. Looked at once, when people are needed; an API server that is away holds no end up:
// then it is said that the object could not be read, and why.
import type { ActionTools } from "../actions/action.ts";
import { fieldChange } from "../actions/differences.ts";
import { valueAt } from "../actions/json-pointer.ts";
import type { FoundObject } from "../domain/execution/events.ts";
import { type ObjectRef, objectKey } from "../domain/facts/objects.ts";
import type { Effect, FieldChange } from "../domain/planning/effect.ts";
import { toProblem } from "../domain/problem.ts";
import type { EnginePorts } from "./engine-ports.ts";
import type { Session } from "./session.ts";

const lookMilliseconds = 5000;
const mostObjects = 50;
const ownAnnotations = "/metadata/annotations/gitmend.dev";

interface Changed {
  readonly object: ObjectRef;
  /** null: it had none yet. */
  readonly uid: string | null;
  /** What was written last, by pointer; an absent value was removed. */
  readonly written: ReadonlyMap<string, FieldChange["after"]>;
}

/** In order of the first change. Never rejects. */
export async function lookAtChanged(
  session: Pick<Session, "id" | "state">,
  { clusters }: Pick<EnginePorts, "clusters">,
): Promise<readonly FoundObject[]> {
  const changed = changedObjects(session.state().changes.map(({ effect }) => effect)).slice(0, mostObjects);
  if (changed.length === 0) return [];
  const tools = clusters.tools(AbortSignal.timeout(lookMilliseconds), session.id, true);
  return Promise.all(changed.map((one) => look(one, tools)));
}

function changedObjects(effects: readonly Effect[]): readonly Changed[] {
  const byKey = new Map<string, Changed>();
  for (const effect of effects) {
    if (effect.kind === "send" || effect.kind === "request" || effect.kind === "branch") continue;
    const key = objectKey(effect.object);
    const before = byKey.get(key);
    const fields = effect.kind === "patch" ? effect.changes : [];
    const own = fields.filter(({ pointer }) => !pointer.startsWith(ownAnnotations));
    byKey.set(key, {
      object: effect.object,
      uid: "uid" in effect ? effect.uid : null,
      written: new Map([
        ...(before?.written ?? []),
        ...own.map(({ pointer, after }) => [pointer, after] as const),
      ]),
    });
  }
  return [...byKey.values()];
}

async function look({ object, uid, written }: Changed, tools: ActionTools): Promise<FoundObject> {
  try {
    const found = await tools.cluster(object.cluster).get(object);
    if (found === null) return { object, state: "gone", problem: null, changes: [] };
    if (uid !== null && found.metadata.uid !== uid)
      return { object, state: "replaced", problem: null, changes: [] };
    const changes = [...written].map(([pointer, before]) =>
      fieldChange(pointer, before, valueAt(found, pointer)),
    );
    return { object, state: "there", problem: null, changes };
  } catch (error) {
    const { code, message } = toProblem(error);
    return { object, state: "unread", problem: `${code}: ${message}`, changes: [] };
  }
}
