import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { createMetrics } from "../../src/adapters/telemetry/metrics.ts";
import { promtool } from "../support/prometheus.ts";
import { givenServer } from "./given-server.ts";

function givenMetrics() {
  const metrics = createMetrics();
  metrics.count("alerts_received_total", { status: "firing" }, 3);
  metrics.count("executions_total", { template: 'a"\n\\b', outcome: "succeeded" });
  metrics.observe("webhook_duration_seconds", 0.02, {});
  metrics.observe("step_duration_seconds", 4, { action: "restart_pod" });
  const scrape = () =>
    metrics.scrape({
      catalog_revision_info: () => [{ labels: { revision: "main@sha1:1" }, value: 1 }],
      catalog_invalid: () => [{ labels: {}, value: 0 }],
      executions_active: () => Promise.reject(new Error("the database is away")),
      decision_backlog: () => [{ labels: {}, value: 3 }],
      breakers_open: () => [{ labels: { scope: "target" }, value: 1 }],
      audit_lag_seconds: () => Promise.reject(new Error("the database is away")),
      api_concurrency: () => [{ labels: { cluster: "prod-eu" }, value: 50 }],
    });
  return { ...metrics, scrape };
}

describe("/metrics", () => {
  it("is what Prometheus accepts, hostile labels included", async () => {
    const text = await givenMetrics().scrape();
    expect(await promtool(text)).toEqual({ code: 0, said: "" });
  });

  it("has a help text for exactly the names of the contract", async () => {
    const text = await givenMetrics().scrape();
    const names = [...text.matchAll(/^# HELP gitmend_(\w+) \S+/gm)].map(([, name]) => String(name));
    expect(names.toSorted((left, right) => (left < right ? -1 : 1))).toEqual([
      "alerts_received_total",
      "alerts_suppressed_total",
      "api_concurrency",
      "append_duration_seconds",
      "approval_wait_seconds",
      "approvals_total",
      "assessment_score",
      "assessments_total",
      "audit_commits_total",
      "audit_lag_seconds",
      "breakers_open",
      "catalog_invalid",
      "catalog_revision_info",
      "catalog_sync_duration_seconds",
      "decision_backlog",
      "events_appended_total",
      "executions_active",
      "executions_total",
      "lease_losses_total",
      "matches_total",
      "planning_duration_seconds",
      "rollbacks_total",
      "step_attempts_total",
      "step_duration_seconds",
      "webhook_duration_seconds",
    ]);
  });

  it("is explained, each with its labels", async () => {
    const text = await givenMetrics().scrape();
    const page = readFileSync(new URL("../../docs/how-to/watch-gitmend.md", import.meta.url), "utf8");
    const explained = [...page.matchAll(/^\| `(\w+)[^|]*\| (\w+) \|/gm)].map(
      ([, name, type]) => `${name} ${type}`,
    );
    const real = [...text.matchAll(/^# TYPE gitmend_(\w+) (\w+)/gm)].map(
      ([, name, type]) => `${name} ${type}`,
    );
    expect(new Set(explained)).toEqual(new Set(real));
  });

  it("leaves out what cannot be known now instead of saying 0", async () => {
    const text = await givenMetrics().scrape();
    expect(text).toContain("gitmend_catalog_invalid 0");
    expect(text).not.toMatch(/^gitmend_audit_lag_seconds/m);
    expect(text).not.toMatch(/^gitmend_executions_active/m);
  });

  it("needs the token on the controller's own address", async () => {
    await using given = await givenServer({}, { metrics: givenMetrics() });
    expect((await given.send("/metrics")).status).toBe(401);
    const answer = await given.api("/metrics");
    expect(answer.headers["content-type"]).toContain("text/plain");
    expect(answer.text).toContain('gitmend_alerts_received_total{status="firing"} 3');
  });

  it("needs none on an address of its own, which has nothing else", async () => {
    const own = { metricsListen: { host: "127.0.0.1", port: 0 } };
    await using given = await givenServer(own, { metrics: givenMetrics() });
    const answer = await fetch(given.metricsUrl);
    expect([answer.status, (await answer.text()).includes("gitmend_")]).toEqual([200, true]);
    expect((await given.api("/metrics")).status).toBe(404);
    const other = new URL("/api/v1/executions", given.metricsUrl);
    expect((await fetch(other)).status).toBe(404);
    const rebound = await fetch(given.metricsUrl, { headers: { origin: "https://evil.example" } });
    expect(rebound.status).toBe(403);
  });

  it("says which of the two addresses cannot be had, and keeps neither", async () => {
    await using taken = await givenServer();
    const { port } = new URL(taken.url);
    const metricsListen = { host: "127.0.0.1", port: Number(port) };
    await expect(givenServer({ metricsListen })).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining("GITMEND_SERVER_METRICS_LISTEN"),
    });
  });

  it("measures deliveries", async () => {
    const metrics = givenMetrics();
    await using given = await givenServer({}, { metrics });
    await given.webhook({ version: "4", alerts: [] });
    await expect.poll(() => metrics.scrape()).toContain("gitmend_webhook_duration_seconds_count 2");
  });
});
