// Paths into facts, as json-rules-engine's documentation writes them, but plain: `$.labels['app.kubernetes.io/name'][0]`, and
// `[*]` for all entries of a list. Only own properties are ever read, so that no path reaches into a prototype.

/** null stands for all entries of a list. */
export type FactPath = readonly (string | number | null)[];

const part = /\.([A-Za-z_][\w-]*)|\[(\d{1,6})\]|\['([^'\]]{1,317})'\]|\["([^"\]]{1,317})"\]|\[\*\]/y;

/** null: this is no path. `$` alone is the fact itself. */
export function parseFactPath(text: string): FactPath | null {
  if (!text.startsWith("$")) return null;
  const path: (string | number | null)[] = [];
  let index = 1;
  while (index < text.length) {
    part.lastIndex = index;
    const found = part.exec(text);
    if (found === null) return null;
    const [whole, name, position, single, double] = found;
    if (whole === "[*]") path.push(null);
    else path.push(position === undefined ? (name ?? single ?? double ?? "") : Number(position));
    index += whole.length;
  }
  return path;
}

/** undefined: there is nothing at the path, or one entry of a list has nothing there. */
export function readFactPath(value: unknown, path: FactPath): unknown {
  let here = value;
  for (const [index, key] of path.entries()) {
    if (key === null) return readEach(here, path.slice(index + 1));
    if (typeof here !== "object" || here === null || !Object.hasOwn(here, key)) return undefined;
    here = (here as Readonly<Record<string | number, unknown>>)[key];
  }
  return here;
}

function readEach(list: unknown, path: FactPath): unknown {
  if (!Array.isArray(list)) return undefined;
  const found = list.map((entry) => readFactPath(entry, path));
  if (found.some((one) => one === undefined || one === null)) return undefined;
  return path.includes(null) ? found.flat() : found;
}
