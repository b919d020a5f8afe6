import { describe, expect, it } from "vitest";
import { alertsQuery, type Confirm, whyUnconfirmed } from "../../src/controller/confirm-alert.ts";
import type { AlertState } from "../../src/controller/ports.ts";
import { nothingShared, type Shared } from "../../src/controller/shared.ts";
import type { Json } from "../../src/domain/json.ts";
import { Problem } from "../../src/domain/problem.ts";
import type { Risk } from "../../src/domain/templates/action-description.ts";
import { newAlert } from "../contracts/store-samples.ts";

const alert = newAlert();

function asking(
  confirm: Confirm,
  answers: { state?: AlertState | Error; values?: readonly number[] | Error },
  shared: Pick<Shared, "recall" | "remember"> = nothingShared(),
) {
  const asked: string[] = [];
  const answer = async <T>(who: string, value: T | Error | undefined): Promise<T> => {
    asked.push(who);
    if (value === undefined) throw new Error(`${who} is not asked here`);
    if (value instanceof Error) throw value;
    return value;
  };
  const why = (risk: Risk) =>
    whyUnconfirmed(
      alert,
      { risk },
      {
        query: async () =>
          (await answer("prometheus", answers.values)).map((value) => ({ labels: {}, value })),
      },
      {
        confirm,
        shared,
        alertmanagers: { look: () => answer("alertmanager", answers.state) },
      },
    );
  return { asked, why };
}

describe("an alert that something risky would start for", () => {
  it.each(["medium", "high", "critical"] as const)("is asked about before %s", async (risk) => {
    const { asked, why } = asking("alertmanager", { state: { state: "active" } });
    expect(await why(risk)).toBeNull();
    expect(asked).toEqual(["alertmanager"]);
  });

  it("is not asked about for low risk, nor when nobody is to be asked", async () => {
    const low = asking("prometheus", {});
    expect(await low.why("low")).toBeNull();
    const off = asking("off", {});
    expect(await off.why("critical")).toBeNull();
    expect([...low.asked, ...off.asked]).toEqual([]);
  });

  it.each([
    [{ state: "absent" }, /^Alertmanager default has no such alert$/],
    [{ state: "held", why: "silenced by ana until tomorrow" }, /^silenced by ana until tomorrow$/],
    [{ state: "unasked" }, /no url for default$/],
  ] as const)("is not confirmed by its Alertmanager when it is %o", async (state, reason) => {
    expect(await asking("alertmanager", { state }).why("medium")).toMatch(reason);
  });

  it("is confirmed by Prometheus only where a series of it fires", async () => {
    expect(await asking("prometheus", { values: [1] }).why("high")).toBeNull();
    expect(await asking("prometheus", { values: [] }).why("high")).toBe(
      "Prometheus has no such alert firing",
    );
    expect(await asking("prometheus", { values: [Number.NaN] }).why("high")).not.toBeNull();
  });

  it("is not confirmed by what cannot be asked", async () => {
    const away = new Problem("METRICS_UNAVAILABLE", "Prometheus cannot be asked: it is away");
    const why = await asking("prometheus", { values: away }).why("high");
    expect(why).toBe("nobody confirms that the alert is active: Prometheus cannot be asked: it is away");
    const refusing = new Problem("ALERTMANAGER_UNAVAILABLE", "it is away");
    expect(await asking("alertmanager", { state: refusing }).why("high")).toMatch(/it is away$/);
  });

  it("does not hide what should not have happened", async () => {
    await expect(asking("prometheus", { values: new Error("a bug") }).why("high")).rejects.toThrow("a bug");
  });
});

describe("the question to Prometheus", () => {
  it("names the object by its labels and leaves out what Prometheus adds when it sends", () => {
    const labels = {
      alertname: "A",
      namespace: "shop",
      pod: "api-0",
      severity: "warning",
      cluster: "eu",
      prometheus: "k8s",
    };
    expect(alertsQuery({ name: "A", labels })).toBe(
      'ALERTS{alertname="A",alertstate="firing",namespace="shop",pod="api-0"}',
    );
  });

  it("stays one matcher, whatever a label says", () => {
    const pod = 'x"} or vector(1) #\n\\';
    expect(alertsQuery({ name: 'A"', labels: { pod, node: "" } })).toBe(
      `ALERTS{alertname="A\\"",alertstate="firing",pod="x\\"} or vector(1) #\\n\\\\"}`,
    );
  });
});

describe("replicas that share what was answered", () => {
  const sharing = (): Pick<Shared, "recall" | "remember"> => {
    const known = new Map<string, Json>();
    return {
      recall: async (key) => known.get(key) ?? null,
      remember: (key, value) => void known.set(key, value),
    };
  };
  it("ask once whether an alert is active, and again each time while it is not", async () => {
    const yes = sharing();
    const first = asking("alertmanager", { state: { state: "active" } }, yes);
    expect(await first.why("high")).toBeNull();
    const second = asking("alertmanager", {}, yes);
    expect([await second.why("high"), second.asked]).toEqual([null, []]);
    // Prometheus was not asked: another's answer is no answer of its own.
    const other = asking("prometheus", { values: [] }, yes);
    expect([await other.why("high"), other.asked]).toEqual([
      "Prometheus has no such alert firing",
      ["prometheus"],
    ]);
    const no = sharing();
    for (let time = 0; time < 2; time += 1) {
      const asked = asking("alertmanager", { state: { state: "absent" } }, no);
      expect([await asked.why("high"), asked.asked]).toEqual([
        expect.stringContaining("no such alert"),
        ["alertmanager"],
      ]);
    }
  });
});
