// `pause.yaml`: the pauses that stand in the config repository.
import type { Pause, PauseScope } from "../facts/pause.ts";
import type { Finding } from "../finding.ts";
import { utcInstant } from "../instant.ts";
import { withDefaults } from "../schema-findings.ts";
import { findingList } from "../templates/finding-list.ts";
import type { YamlDocument } from "../yaml-findings.ts";
import { type Entry, type PauseFile, pauseSchema } from "./pause.generated.ts";

/** `document` has passed the schema. What is over already is no error: it pauses nothing. */
export function readPauses(document: YamlDocument): {
  readonly pauses: readonly Pause[];
  readonly findings: readonly Finding[];
} {
  const file = withDefaults<PauseFile>(document.value, pauseSchema);
  const list = findingList(document);
  const pauses = file.pauses.map((entry, index): Pause => {
    const until = entry.until === undefined ? null : utcInstant(entry.until);
    if (entry.until !== undefined && until === null) {
      const message = `"${entry.until}" is no time: write 2026-11-23T14:00:00Z`;
      list.error(["pauses", index, "until"], "WRONG_VALUE", message);
    }
    const { line } = document.position(["pauses", index]);
    const { by = `${document.file}:${line}`, reason } = entry;
    return { scope: scopeOf(entry), by, reason, until, source: "file" };
  });
  return { pauses, findings: list.found };
}

function scopeOf({ cluster: named, namespace }: Entry): PauseScope {
  const cluster = named ?? null;
  return namespace === undefined
    ? { kind: "everything", cluster }
    : { kind: "namespace", cluster, namespace };
}
