// What is wrong with the event `select-template`: the templates that it names, their parameters, and the shape of a ladder.
import { didYouMean } from "../did-you-mean.ts";
import { durationSeconds } from "../duration.ts";
import type { Json } from "../json.ts";
import { valueChecker, valueValidation } from "../templates/action-index.ts";
import { readsFreeText } from "../templates/check-call.ts";
import type { CompiledTemplate } from "../templates/compile-template.ts";
import type { FindingList } from "../templates/finding-list.ts";
import type { DataPath } from "../yaml-findings.ts";
import { readStrings, stringsOf } from "./event-strings.ts";
import { longestWindowSeconds, type TemplateChoice } from "./ladder.ts";
import type { Rung, SelectTemplate } from "./policy.generated.ts";

interface Surroundings {
  readonly templates: ReadonlyMap<string, CompiledTemplate | null>;
  readonly list: FindingList;
}

/** @param path of the event's `params` */
export function checkSelectTemplate({ params }: SelectTemplate, path: DataPath, around: Surroundings): void {
  const { list } = around;
  const { template, ladder, parameters, window } = params;
  if (template !== undefined && ladder !== undefined)
    list.error([...path, "ladder"], "WRONG_VALUE", "a template or a ladder, not both", { key: true });
  if (template === undefined && ladder === undefined)
    list.error(path, "MISSING_KEY", '"template" is missing (or a "ladder" of several)');
  if (window !== undefined) checkWindow(window, ladder !== undefined, path, list);
  if (template !== undefined) checkChoice({ template, parameters }, path, around);
  if (ladder === undefined || template !== undefined) return;
  if (Object.keys(parameters).length > 0)
    list.error([...path, "parameters"], "WRONG_VALUE", "give each rung parameters of its own", { key: true });
  for (const [index, rung] of ladder.entries())
    checkRung(rung, index, ladder, [...path, "ladder", index], around);
}

function checkWindow(window: string, hasLadder: boolean, path: DataPath, list: FindingList): void {
  const at = [...path, "window"];
  if (!hasLadder)
    list.error(at, "MISSING_KEY", 'nothing is counted within "window": add a ladder', { key: true });
  else if (durationSeconds(window) > longestWindowSeconds || durationSeconds(window) === 0)
    list.error(at, "WRONG_VALUE", "a ladder looks back for up to 7d, which is what is known of the past");
}

function checkRung(
  rung: Rung,
  index: number,
  ladder: readonly Rung[],
  path: DataPath,
  around: Surroundings,
): void {
  const { list } = around;
  const { template, times, parameters, escalate } = rung;
  if (template === undefined) {
    if (escalate === undefined)
      return list.error(path, "MISSING_KEY", 'a rung needs "template" or "escalate"');
    if (index < ladder.length - 1)
      list.error(
        [...path, "escalate"],
        "WRONG_VALUE",
        'nothing comes after "escalate": make it the last rung',
      );
    if (ladder.length === 1)
      list.error(
        path,
        "WRONG_VALUE",
        "nothing is tried before: write an `escalate` rule instead of a ladder",
      );
    if (times !== undefined || Object.keys(parameters).length > 0)
      list.error(path, "WRONG_VALUE", "people are told once: this rung has neither times nor parameters");
    return;
  }
  if (escalate !== undefined)
    return list.error(
      [...path, "escalate"],
      "WRONG_VALUE",
      "a template or people: make it a rung of its own",
    );
  const earlier = ladder.slice(0, index).findIndex((other) => other.template === template);
  if (earlier !== -1)
    list.error(
      [...path, "template"],
      "DUPLICATE_NAME",
      `rung ${earlier + 1} is "${template}" too: give that one more times`,
    );
  checkChoice({ template, parameters }, path, around);
}

/** @param path of what has `template` and `parameters` */
function checkChoice(choice: TemplateChoice, path: DataPath, { templates, list }: Surroundings): void {
  const template = templates.get(choice.template);
  if (template === undefined) {
    const hint = didYouMean(choice.template, templates.keys());
    list.error([...path, "template"], "UNKNOWN_TEMPLATE", `there is no template "${choice.template}"${hint}`);
    return;
  }
  if (template === null) return;
  for (const [name, value] of Object.entries(choice.parameters)) {
    checkParameter(name, (value ?? null) as Json, [...path, "parameters", name], template, list);
  }
  for (const [name, schema] of Object.entries(template.template.parameters)) {
    if (schema["default"] !== undefined || Object.hasOwn(choice.parameters, name)) continue;
    list.error(path, "MISSING_PARAMETER", `template "${choice.template}" needs parameter "${name}"`);
  }
}

function checkParameter(
  name: string,
  value: Json,
  path: DataPath,
  template: CompiledTemplate,
  list: FindingList,
): void {
  const known = template.template.parameters;
  const schema = known[name];
  if (schema === undefined) {
    const message = `template "${template.template.name}" has no parameter "${name}"${didYouMean(name, Object.keys(known))}`;
    list.error(path, "UNKNOWN_PARAMETER", message, { key: true });
    return;
  }
  const isLiteral = !stringsOf(value, path).some(({ text }) => text.includes("{{"));
  const wrong = isLiteral ? valueChecker(valueValidation(), schema)(value) : null;
  if (wrong !== null) list.error(path, "WRONG_TYPE", `parameter "${name}": ${wrong}`);
  for (const { access, path: here, offset } of readStrings(value, path, silent(list))) {
    if (!readsFreeText(access) || !template.steering.has(name)) continue;
    const message = `annotations are free text: parameter "${name}" decides what the template does`;
    list.error(here, "TEXT_CHOOSES", message, { offset });
  }
}

/** The strings of an event are read twice; their faults are reported once, by eventFacts. */
function silent(list: FindingList): FindingList {
  return { ...list, faults: () => undefined };
}
