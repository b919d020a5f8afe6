// What a real Prometheus says of an alert that fires, and of one that does not.
import { afterAll, beforeAll, expect, it } from "vitest";
import { prometheusQueries } from "../../src/adapters/prometheus/query-prometheus.ts";
import { whyUnconfirmed } from "../../src/controller/confirm-alert.ts";
import { nothingShared } from "../../src/controller/shared.ts";
import { newAlert } from "../contracts/store-samples.ts";
import { startPrometheus, type TestPrometheus } from "../support/prometheus.ts";

let prometheus: TestPrometheus;
beforeAll(async () => {
  prometheus = await startPrometheus([
    'ALERTS{alertname="Crash",alertstate="firing",namespace="shop",pod="api-0"} 1',
    'ALERTS{alertname="Crash",alertstate="pending",namespace="shop",pod="api-1"} 1',
  ]);
});
afterAll(() => prometheus?.stop());

async function why(pod: string): Promise<string | null> {
  const ask = prometheusQueries([{ url: prometheus.url, clusters: null, authorization: null }]);
  const labels = { alertname: "Crash", namespace: "shop", pod, severity: "warning", cluster: "prod-eu" };
  return whyUnconfirmed(
    newAlert({ name: "Crash", labels }),
    { risk: "medium" },
    { query: (cluster, promql) => ask(cluster, promql, AbortSignal.timeout(10_000)) },
    {
      confirm: "prometheus",
      shared: nothingShared(),
      alertmanagers: { look: () => Promise.reject(new Error("not asked")) },
    },
  );
}

it("confirms what fires there, and neither what is pending nor what is unknown nor what was made up", async () => {
  expect(await why("api-0")).toBeNull();
  expect(await why("api-1")).toBe("Prometheus has no such alert firing");
  expect(await why("api-2")).toBe("Prometheus has no such alert firing");
  expect(await why('"} or vector(1) or ALERTS{pod="')).toBe("Prometheus has no such alert firing");
});
