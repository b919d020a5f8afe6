// PromQL that a template asks by itself, not through an action: it is filled in when the plan is made, so that what people
// approve is what will be asked.
import { readText } from "../expressions/check-expression.ts";
import type { DataPath } from "../yaml-findings.ts";
import { checkAccesses, readsFreeText, type StepSurroundings } from "./check-call.ts";
import { checkPromql } from "./check-promql.ts";

/** Reports what is wrong with the query; free text gets into none. */
export function checkQuery(promql: string, path: DataPath, surroundings: StepSurroundings): void {
  const { list } = surroundings;
  const reading = readText(promql, "plan");
  list.faults(path, reading.faults);
  checkPromql(promql, path, "plan", list);
  for (const { expression, offset } of reading.expressions) {
    checkAccesses(expression, path, offset, surroundings);
    for (const access of expression.accesses) {
      surroundings.note(access, false);
      if (!readsFreeText(access)) continue;
      const message = "annotations are free text: nothing is judged by them";
      list.error(path, "TEXT_CHOOSES", message, { offset: offset + access.offset });
    }
  }
}
