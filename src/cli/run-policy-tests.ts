// Runs policy tests against a catalog: each alert goes through the controller's own decisions, and what came of it is judged.
import type { Alert } from "../domain/facts/alert.ts";
import { readAlerts } from "../domain/intake/read-alerts.ts";
import type { Catalog } from "../domain/policies/catalog.ts";
import { type Difference, judgePolicyTest } from "../domain/policy-tests/judge-policy-test.ts";
import type { PolicyTest } from "../domain/policy-tests/policy-test.generated.ts";
import type { PlacedTest } from "../domain/policy-tests/read-policy-tests.ts";
import type { DocumentPosition } from "../domain/yaml-findings.ts";
import { type Simulation, simulateAlert } from "./simulate-alert.ts";

export interface TestResult {
  readonly name: string;
  readonly position: DocumentPosition;
  readonly passed: boolean;
  readonly differences: readonly (Difference & { readonly position: DocumentPosition })[];
  /** null: the alert could not be read. */
  readonly simulation: Simulation | null;
  /** Why there is nothing to compare; null: there is. */
  readonly problem: string | null;
}

/** A Monday at noon: a test that gives no time has the same result on every day. */
const defaultNow = "2026-01-05T12:00:00Z";

export async function runPolicyTest(placed: PlacedTest, catalog: Catalog): Promise<TestResult> {
  const { test, position } = placed;
  const given = { now: defaultNow, ...test.given };
  const named = { name: test.name, position: position(["name"]) };
  const alert = alertOf(test, given.now);
  if (typeof alert === "string")
    return { ...named, passed: false, differences: [], simulation: null, problem: alert };
  const simulation = await simulateAlert(alert, catalog, given);
  const differences = judgePolicyTest(test.expect, simulation).map((difference) => ({
    ...difference,
    position: position(difference.path),
  }));
  const { problem } = simulation;
  return { ...named, passed: differences.length === 0, differences, simulation, problem };
}

/** As the webhook would read it; a text says why it would be a dead letter. */
function alertOf({ alert, given }: PolicyTest, now: string): Alert | string {
  const { labels, annotations = {}, status = "firing", startsAt = now, endsAt = now } = alert;
  const cluster = given?.cluster?.name ?? labels["cluster"] ?? "test";
  const source = { name: "test", clusters: [cluster], clusterLabel: "cluster" };
  const ended = status === "resolved" ? { endsAt } : {};
  const entry = { labels, annotations, status, startsAt, ...ended };
  const { alerts, deadLetters } = readAlerts({ version: "4", alerts: [entry] }, source);
  return alerts[0] ?? `the alert cannot be read: ${deadLetters[0]?.reason ?? ""}`;
}
