// Acts of control on their way to the audit repository: which have a commit already, which get one, and where among the
// milestones it stands.
import { type Control, renderControl } from "../domain/audit/control.ts";
import type { Log, RecordCommit } from "./ports.ts";

export interface RenderedControl {
  readonly id: string;
  /** An id: it is there already, the writer before us crashed before it could mark it. */
  readonly commit: string | RecordCommit;
}

export interface RenderedControls {
  readonly rendered: readonly RenderedControl[];
  /** Of this round: they cannot be rendered, wait for their mending and stop nothing else. */
  readonly stuck: readonly string[];
}

export function renderControls(
  controls: readonly Control[],
  known: ReadonlyMap<string, string>,
  stuckBefore: readonly string[],
  log: Log,
): RenderedControls {
  const rendered: RenderedControl[] = [];
  const stuck = [...stuckBefore];
  for (const control of controls) {
    const { id } = control;
    try {
      rendered.push({ id, commit: known.get(id) ?? renderControl(control) });
    } catch (error) {
      log.error({ control: id, err: error }, "an act of control cannot be recorded");
      stuck.push(id);
    }
  }
  return { rendered, stuck };
}

/** An act stands before what came after it. Each of the two keeps its own order: one is a chain, the other a sequence. */
export function inOrder(
  controls: readonly RecordCommit[],
  milestones: readonly RecordCommit[],
): readonly RecordCommit[] {
  const all: RecordCommit[] = [];
  let next = 0;
  for (const milestone of milestones) {
    for (; next < controls.length && controls[next]!.at <= milestone.at; next++) all.push(controls[next]!);
    all.push(milestone);
  }
  return [...all, ...controls.slice(next)];
}
