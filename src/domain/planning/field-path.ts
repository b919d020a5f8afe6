// Paths of fields that mean the same in an object and in its manifest, where lists may have another order: items by their names.
// `/spec/template/spec/containers[name=app]/image`; `~1` is a slash and `~0` a tilde in a key, as in JSON pointers.
import { isObject } from "../json.ts";

/** The path of what a JSON pointer points to in this object; null: it goes through a list whose items have no names of their own. */
export function namedPath(pointer: string, object: unknown): string | null {
  let path = "";
  let here = object;
  for (const segment of pointer.split("/").slice(1)) {
    if (Array.isArray(here)) {
      const items = here as readonly unknown[];
      const item = items[Number(segment)];
      const name = isObject(item) && typeof item.name === "string" ? item.name : null;
      if (name === null || /[[\]]/.test(name) || items.filter((one) => nameOf(one) === name).length !== 1)
        return null;
      path += `[name=${escaped(name)}]`;
      here = item;
    } else {
      if (/[[\]]/.test(segment)) return null;
      path += `/${segment}`;
      here = isObject(here) ? here[unescaped(segment)] : undefined;
    }
  }
  return path;
}

/** undefined: nothing is there. */
export function valueAtPath(path: string, object: unknown): unknown {
  let here = object;
  for (const segment of path.split("/").slice(1)) {
    const [, key = segment, name] = /^([^[\]]+)\[name=([^[\]]+)\]$/.exec(segment) ?? [];
    const own = unescaped(key);
    here = isObject(here) && Object.hasOwn(here, own) ? here[own] : undefined;
    if (name !== undefined)
      here = Array.isArray(here) ? here.find((item) => nameOf(item) === unescaped(name)) : undefined;
  }
  return here;
}

function nameOf(item: unknown): unknown {
  return isObject(item) ? item["name"] : undefined;
}

function escaped(text: string): string {
  return text.replaceAll("~", "~0").replaceAll("/", "~1");
}

function unescaped(text: string): string {
  return text.replaceAll("~1", "/").replaceAll("~0", "~");
}
