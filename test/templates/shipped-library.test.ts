// The templates and policies that everybody starts with. What they do in each incident stands in policies/tests/, in the
// language of the people who write policies; here those tests are run, and what they cannot say is checked.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { actions } from "../../src/actions/registry.ts";
import { runPolicyTest } from "../../src/cli/run-policy-tests.ts";
import { shippedLibrary } from "../../src/cli/shipped-library.ts";
import { compileCatalog } from "../../src/domain/policies/compile-catalog.ts";
import { selectTemplate } from "../../src/domain/policies/select-template.ts";
import { readPolicyTests } from "../../src/domain/policy-tests/read-policy-tests.ts";
import { readYaml } from "../../src/domain/yaml-findings.ts";
import { givenFacts } from "../fixtures/facts.ts";

const files = await shippedLibrary();
const { catalog, findings } = compileCatalog(files, "main@sha1:0", actions);
const { tests, findings: faults } = readPolicyTests(files);

function shipped() {
  if (catalog === null) throw new Error(JSON.stringify(findings, null, 1));
  return catalog;
}

describe("the shipped library", () => {
  it("has nothing to complain about", () => {
    expect([...findings, ...faults]).toEqual([]);
    expect(catalog).not.toBeNull();
  });

  it("never asks for the severity", () => {
    const policies = files.filter(({ path }) => /^policies\/[^/]+$/.test(path));
    expect(policies.length).toBeGreaterThan(3);
    for (const { text } of policies) {
      expect(text).not.toMatch(/alert\.severity|labels\.severity|\$\.severity/);
    }
  });

  it.each(tests.map((one) => [one.test.name, one] as const))("%s", async (_name, one) => {
    expect(await runPolicyTest(one, shipped())).toMatchObject({ passed: true });
  });

  it("has a test for every selection rule", async () => {
    const chosen = new Set<string>();
    for (const one of tests) {
      const { simulation } = await runPolicyTest(one, shipped());
      if (simulation !== null && "rule" in simulation.selection) chosen.add(simulation.selection.rule);
    }
    const all = [...shipped().selection.byAlertName.values()].flatMap(({ rules }) => rules);
    expect([...new Set(all.map(({ name }) => name))].filter((name) => !chosen.has(name))).toEqual([]);
  });

  it("decides nothing while nobody can say what the target is", async () => {
    const facts = givenFacts({ target: { available: false, why: "timeout" } });
    expect((await selectTemplate(facts, shipped())).kind).toBe("undecided");
  });
});

describe("the specification's example", () => {
  it("is written as it stands there, with its Go-style placeholders", () => {
    const text = readFileSync(join(import.meta.dirname, "../../templates/pod-crash-recovery.yaml"), "utf8");
    const pod = { namespace: "{{.Alert.Namespace}}", pod: "{{.Alert.Resource}}" };
    expect(readYaml("t.yaml", text).document?.value).toEqual({
      name: "pod-crash-recovery",
      description: "Automated recovery workflow for pod crash scenarios",
      alert_types: ["PodCrashLoop", "PodFailed", "PodRestart"],
      steps: [
        {
          name: "assess-pod-state",
          action: { type: "kubernetes", action: "get_pod_status", parameters: pod },
        },
        {
          name: "restart-pod",
          action: { type: "kubernetes", action: "restart_pod", parameters: pod },
          depends_on: ["assess-pod-state"],
          rollback: { action: "rollback_pod_restart" },
        },
        {
          name: "validate-recovery",
          action: {
            type: "monitoring",
            action: "validate_pod_health",
            parameters: { ...pod, wait_timeout: "5m" },
          },
          depends_on: ["restart-pod"],
        },
      ],
    });
  });
});
