// How long the main loop stands still while a catalog of 10,000 rules is compiled and taken into use: by the thread, and without.
// The lease is not renewed when the loop stalls for a second.
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { actions } from "../src/actions/registry.ts";
import { catalogCompiler } from "../src/adapters/catalog-compiler.ts";
import { compileCatalog } from "../src/domain/policies/compile-catalog.ts";

const template = "name: look\nsteps:\n  - {name: look, action: {type: kubernetes, action: get_pod_status}}\n";

function catalogOf(count: number) {
  const files = [{ path: "templates/look.yaml", text: template }];
  for (let at = 0; at < count; at += 100) {
    const rules = Array.from({ length: 100 }, (_, index) => ruleText(at + index)).join("");
    files.push({ path: `policies/p${at}.yaml`, text: `name: p${at}\nrules:\n${rules}` });
  }
  return files;
}

function ruleText(index: number): string {
  return `  - name: rule-${index}
    priority: ${1 + (index % 97)}
    on: [Alert${index % 1000}]
    when: "history.attempts('24h') < 3 && alert.labels.namespace != 'kube-system'"
    conditions:
      all:
        - {fact: alert, path: $.labels.namespace, operator: equal, value: team-${index}}
        - {fact: target, path: $.kind, operator: in, value: [Deployment, StatefulSet]}
    event: {type: select-template, params: {template: look}}
`;
}

async function longestStall(work: () => Promise<unknown>): Promise<{ stall: number; seconds: number }> {
  const watch = monitorEventLoopDelay({ resolution: 1 });
  watch.enable();
  await delay(50);
  const began = performance.now();
  await work();
  const seconds = (performance.now() - began) / 1000;
  await delay(50);
  watch.disable();
  return { stall: watch.max / 1e6, seconds };
}

const files = catalogOf(10_000);
const compiler = catalogCompiler(actions);
console.log("10,000 rules      longest stall   in all");
for (const [name, work] of [
  ["by the thread", () => compiler.compile(files, "main@sha1:0")],
  ["in the main loop", async () => compileCatalog(files, "main@sha1:0", actions)],
] as const) {
  const { stall, seconds } = await longestStall(work);
  console.log(
    `${name.padEnd(16)}  ${stall.toFixed(0).padStart(10)} ms   ${seconds.toFixed(1).padStart(4)} s`,
  );
}
