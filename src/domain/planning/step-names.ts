// How the steps of a plan are called. Templates name steps with letters, digits, `-` and `_`, so that nothing here can clash:
// `restart[2]`, `workflow/success`, `finally/lift-silence`, `resolved/uncordon`, `fallback/restart[0]`, `fallback/finally/lift-silence`.

export const preconditionsStep = "workflow/preconditions";
export const successStep = "workflow/success";

export function subjectStep(name: string, index: number): string {
  return `${name}[${index}]`;
}

export function finalStep(name: string): string {
  return `finally/${name}`;
}

export function resolvedStep(name: string): string {
  return `resolved/${name}`;
}

const fallbackPrefix = "fallback/";

export function fallbackStep(name: string): string {
  return fallbackPrefix + name;
}

export function isOfFallback(name: string): boolean {
  return name.startsWith(fallbackPrefix);
}

export interface OwnName {
  /** As the template calls it; null: the template has no such step (`workflow/success`). */
  readonly name: string | null;
  /** Of a step for each subject. */
  readonly index: number | null;
}

/** What the step is called in its own template. */
export function ownName(planned: string): OwnName {
  const found = /^(?:fallback\/)?(?:finally\/|resolved\/)?([^/[\]]+)(?:\[(\d+)\])?$/.exec(planned);
  if (found === null) return { name: null, index: null };
  const [, name = null, index] = found;
  return { name, index: index === undefined ? null : Number(index) };
}
