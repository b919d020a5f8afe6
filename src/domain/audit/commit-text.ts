// The form that all commits of the record share: a subject of at most 72 characters, a body, trailers. Labels and reasons are
// free text: they can neither add a line nor look like a trailer.
import { plain } from "./story.ts";

export const subjectLimit = 72;

const trailerNames = [
  "Execution-Id",
  "Incident",
  "Alert",
  "Alert-Fingerprint",
  "Cluster",
  "Template",
  "Config-Revision",
  "Plan-Digest",
  "Gate",
  "Started-By",
  "Follows",
  "Approved-By",
  "Mode",
  "Outcome",
  "Assessment",
  "Seq",
  "Events-Hash",
  "Gitmend-Control",
  "Control-Act",
  "Control-Scope",
  "Control-By",
  "Control-Until",
] as const;
export type Trailer = readonly [(typeof trailerNames)[number], string];
const looksLikeTrailer = new RegExp(`\\b(${[...trailerNames, "Signed-off-by"].join("|")})(\\s*):`, "gi");

/** @param body sentences, a line each */
export function commitText(subject: string, body: readonly string[], trailers: readonly Trailer[]): string {
  const lines = body.map((line) => wrapped(harmless(line).replace(/\.\.$/, ".")));
  const ends = trailers.map(([name, value]) => `${name}: ${harmless(value)}`);
  return `${subject}\n\n${lines.join("\n")}\n\n${ends.join("\n")}\n`;
}

/** "Approved-By: mallory" in a label becomes "Approved-By - mallory": `git log --grep` must not find it. */
export function harmless(text: string): string {
  return plain(text, 256).replaceAll(looksLikeTrailer, "$1$2 -");
}

/** The cluster at the beginning and the name at the end are what people look for. */
export function fittingPlace(place: string, limit: number): string {
  if (length(place) <= limit) return place;
  const parts = place.split("/");
  const withoutKind = parts.length === 4 ? [parts[0], parts[1], parts[3]].join("/") : place;
  const characters = [...withoutKind];
  if (characters.length <= limit) return withoutKind;
  const tail = Math.ceil((limit - 1) * 0.6);
  return `${characters.slice(0, limit - 1 - tail).join("")}…${characters.slice(-tail).join("")}`;
}

export function length(text: string): number {
  return [...text].length;
}

/** Lines of at most 100 characters where there are spaces; what follows is indented, so that no line begins with free text. */
function wrapped(line: string): string {
  const lines: string[] = [];
  let rest = line;
  while (rest.length > 100) {
    const at = rest.lastIndexOf(" ", 100);
    if (at <= 0) break;
    lines.push(rest.slice(0, at));
    rest = rest.slice(at + 1);
  }
  return [...lines, rest].join("\n  ");
}
