// What the cool-down of a decision is counted by.
import type { Alert } from "../domain/facts/alert.ts";
import { type ObjectRef, objectKey } from "../domain/facts/objects.ts";
import { manualAlert } from "../domain/intake/manual-alert.ts";
import type { Template } from "../domain/templates/template.ts";
import type { RestCheck } from "./refused.ts";

/** @param again the execution that a person tries again, or that gives way: it counts not. null: there is no target */
export function restCheck(
  { name, cooldownSeconds }: Template,
  alert: Alert,
  target: ObjectRef | null,
  again: string | undefined,
): RestCheck | null {
  if (target === null) return null;
  return {
    target: objectKey(target),
    alertName: alert.source === manualAlert ? null : alert.name,
    template: name,
    cooldownSeconds,
    except: again ?? null,
  };
}
