// The one rule for guessing what a person meant to write. Every "unknown …" finding ends with its answer.

/** Number of single-character edits between two words, counted only up to `limit`; above it `limit + 1`. */
function editDistance(left: string, right: string, limit: number): number {
  if (Math.abs(left.length - right.length) > limit) return limit + 1;
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= right.length; column += 1) {
      const change = left[row - 1] === right[column - 1] ? 0 : 1;
      const replaced = (previous[column - 1] ?? 0) + change;
      current.push(Math.min(replaced, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return Math.min(previous[right.length] ?? 0, limit + 1);
}

/** The candidate that is at most 1, 2 or 3 edits away, longer words allowing more; null when none is. Case is ignored. */
export function closest(word: string, candidates: Iterable<string>): string | null {
  if (word.length > 128) return null;
  const limit = word.length < 3 ? 0 : word.length < 4 ? 1 : word.length < 9 ? 2 : 3;
  let best: { readonly name: string; readonly distance: number } | null = null;
  for (const name of candidates) {
    const distance = editDistance(word.toLowerCase(), name.toLowerCase(), limit);
    if (distance <= limit && (best === null || distance < best.distance)) best = { name, distance };
  }
  return best?.name ?? null;
}

/** `; did you mean "x"?`, or nothing. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  const name = closest(word, candidates);
  return name === null ? "" : `; did you mean "${name}"?`;
}
