// The Go-template spelling of the specification, turned into CEL: {{.Alert.Labels.pod}} is alert.labels.pod.
// Only paths are understood; pipelines, control structures and variables are refused with a word on what to do.
import { didYouMean } from "../did-you-mean.ts";
import { maskLiterals } from "./literals.ts";

export interface ExpressionFault {
  readonly message: string;
  /** Characters from the beginning of the source as written. */
  readonly offset: number;
}

const goRoots = [
  "Alert",
  "Subject",
  "Subjects",
  "Target",
  "Namespace",
  "Cluster",
  "Owner",
  "Params",
  "Steps",
  "History",
  "Now",
  "Output",
  "Plan",
];
const goPath = /(?<![\w)\]}.'"])\.([A-Z]\w*(?:\.[\w-]+)*)/g;

function lowerFirst(word: string): string {
  return word.charAt(0).toLowerCase() + word.slice(1);
}

function member(name: string): string {
  return /^[A-Za-z_]\w*$/.test(name) ? `.${name}` : `['${name}']`;
}

/** `["Steps", "assess-pod-state", "Output", "y"]` -> `steps['assess-pod-state'].output.y`. */
function celPath(segments: readonly string[]): string {
  const [root = "", ...rest] = segments;
  const name = lowerFirst(root);
  if (name === "params") return name + rest.map(member).join("");
  if (name !== "steps")
    return name + rest.map((part, index) => member(index === 0 ? lowerFirst(part) : part)).join("");
  const [step, field, ...more] = rest;
  const stepText = step === undefined ? "" : `['${step}']`;
  return name + stepText + (field === undefined ? "" : member(lowerFirst(field))) + more.map(member).join("");
}

const refusals: readonly { readonly pattern: RegExp; readonly message: string }[] = [
  {
    pattern: /(?<!\|)\|(?!\|)/,
    message: "Go pipelines (`|`) are not supported: call a function, as in `get(params, 'x', 1)`",
  },
  {
    pattern: /^\s*-?\s*(?:if|else|end|range|with|define|template|block)(?![\w(.])/,
    message: "Go control structures are not supported: use `conditions`, or `a ? b : c`",
  },
  {
    pattern:
      /^\s*(?:and|call|default|eq|ge|gt|index|le|len|lower|lt|ne|not|or|print|printf|println|quote|slice|upper)\s+[\w.$"'`(]/,
    message: "Go functions are not supported: write CEL, as in alert.labels['app'] == 'shop'",
  },
  {
    pattern: /^\s*\.\s*$/,
    message: "the Go dot alone is not supported: name what you want, as in alert.name",
  },
  { pattern: /^\s*\/\*/, message: "Go comments are not supported: write a YAML comment" },
  { pattern: /^-\s|\s-$/, message: "Go trim markers are not supported: write `{{` and `}}`" },
  { pattern: /\$\w*|:=/, message: "Go variables are not supported" },
];

function refusal(masked: string): ExpressionFault | null {
  for (const { pattern, message } of refusals) {
    const found = pattern.exec(masked);
    if (found !== null) return { message, offset: found.index };
  }
  return null;
}

/** The CEL source, or what is wrong with it. A source without Go paths comes back unchanged, so that offsets hold. */
export function fromGoSpelling(
  source: string,
): { readonly cel: string } | { readonly fault: ExpressionFault } {
  const masked = maskLiterals(source);
  const refused = refusal(masked);
  if (refused !== null) return { fault: refused };
  let cel = "";
  let index = 0;
  for (const found of masked.matchAll(goPath)) {
    const segments = (found[1] ?? "").split(".");
    const [root = ""] = segments;
    if (!goRoots.includes(root)) {
      return {
        fault: { message: `unknown name ".${root}"${didYouMean(root, goRoots)}`, offset: found.index },
      };
    }
    cel += source.slice(index, found.index) + celPath(segments);
    index = found.index + found[0].length;
  }
  return { cel: cel + source.slice(index) };
}
