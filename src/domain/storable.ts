// Text of others (alerts, container logs, what people type) as PostgreSQL and UTF-8 can hold it: NUL and halves of surrogate
// pairs become U+FFFD. jsonb refuses both, and an event that is refused stops its execution.

export function storableText(text: string): string {
  const formed = text.toWellFormed();
  return formed.includes("\0") ? formed.replaceAll("\0", "\uFFFD") : formed;
}

/** The same JSON with storable texts and keys. */
export function storable<T>(value: T): T {
  return walk(value) as T;
}

function walk(value: unknown): unknown {
  if (typeof value === "string") return storableText(value);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(walk);
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [storableText(key), walk(member)]));
}
