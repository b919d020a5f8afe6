// The one comment on a pull request of the config repository: how gitmend knows it again, on each forge.
import type { ChangeNote } from "../../domain/gate/change-note.ts";

/** What gitmend's own comment ends with. Another's comment with the same mark is not gitmend's. */
const mark = "<!-- gitmend/validate -->";

export const commitName = /^[0-9a-f]{40}$/;

export function isOwnComment(by: string | undefined, body: string | undefined, bot: string): boolean {
  return by === bot && body?.endsWith(mark) === true;
}

export function noteText({ comment }: ChangeNote, head: string): string {
  return `${comment ?? `**gitmend can use this**: no findings in \`${head.slice(0, 12)}\`.`}\n\n${mark}`;
}
