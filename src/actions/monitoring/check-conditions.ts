// check_conditions: does nothing itself, so that a step can be all conditions. `validation` of a template runs through it, and
// so may a step that only has to prove something between two others.
import type { ReadAction } from "../action.ts";
import { objectSchema, outputSchema, reasonParameter } from "../parameters.ts";

export const checkConditions: ReadAction = {
  name: "check_conditions",
  aliases: [],
  type: "monitoring",
  summary: "Proves the step's own preconditions and postconditions and does nothing else.",
  risk: "low",
  changes: false,
  idempotent: true,
  input: objectSchema({ reason: reasonParameter }),
  parameterAliases: {},
  identity: [],
  text: ["reason"],
  output: outputSchema({}),
  rbac: [],
  undo: { how: "nothing", why: "it only reads" },
  timeoutSeconds: 10,
  waitParameter: null,
  objects: () => [],
  preview: () => "prove the step's conditions",
  run: () => Promise.resolve({}),
};
