// Paths into facts, as json-rules-engine's documentation writes them, but plain: `$.labels['app.kubernetes.io/name'][0]`.
// Only own properties are ever read, so that no path reaches into a prototype.

export type FactPath = readonly (string | number)[];

const part = /\.([A-Za-z_][\w-]*)|\[(\d{1,6})\]|\['([^'\]]{1,317})'\]|\["([^"\]]{1,317})"\]/y;

/** null: this is no path. `$` alone is the fact itself. */
export function parseFactPath(text: string): FactPath | null {
  if (!text.startsWith("$")) return null;
  const path: (string | number)[] = [];
  let index = 1;
  while (index < text.length) {
    part.lastIndex = index;
    const found = part.exec(text);
    if (found === null) return null;
    const [whole, name, position, single, double] = found;
    path.push(position === undefined ? (name ?? single ?? double ?? "") : Number(position));
    index += whole.length;
  }
  return path;
}

/** undefined: there is nothing at the path. */
export function readFactPath(value: unknown, path: FactPath): unknown {
  let here = value;
  for (const key of path) {
    if (typeof here !== "object" || here === null || !Object.hasOwn(here, key)) return undefined;
    here = (here as Readonly<Record<string | number, unknown>>)[key];
  }
  return here;
}
