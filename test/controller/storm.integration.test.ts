// A storm: 2,000 alerts for a hundred workloads at two replicas, most of them about the same few. None is lost, few things are
// started, every alert has a decision that says why, and what it costs grows with the alerts and no faster.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { firing, type GivenController, givenController } from "../cli/given-controller.ts";
import { eventually } from "../support/eventually.ts";

const backlog = 400;
const workloads = 50;
const startsAllowed = 10;
const help = `
name: help
configuration: {cooldown: 24h}
steps:
  - name: one-more
    action: {type: kubernetes, action: scale_deployment, parameters: {replicas: {add: 1}}}
`;
const policy = `
name: storm
rules:
  - name: help-what-storms
    on: [Storm]
    event: {type: select-template, params: {template: help}}
  - name: only-so-many
    when: "plan.template == 'help'"
    event: {type: limit, params: {scope: namespace, running: ${startsAllowed}, starts: ${startsAllowed}, per: 1h}}
`;

let given: GivenController;
let other: Awaited<ReturnType<GivenController["another"]>>;
beforeAll(async () => {
  given = await givenController({
    live: [{ namespaces: ["shop", "till"], max_risk: "high" }],
    limits: { gather: "0s", backlog },
  });
  for (const namespace of ["shop", "till"])
    for (let index = 0; index < workloads; index += 1)
      given.simulation.cluster.deploy({ namespace, name: `w-${index}`, replicas: 1 });
  given.push({ "templates/help.yaml": help, "policies/storm.yaml": policy });
  await eventually("the template is in use", () =>
    given.app.controller.catalog.current()?.templates.get("help"),
  );
  other = await given.another("b");
  await eventually("it is in use there", () => other.app.controller.catalog.current()?.templates.get("help"));
});
afterAll(async () => {
  await other.stop();
  await given.stop();
});

/** 1,600 for 80 workloads that a rule is about, 20 for each; 400 for the others, which none knows. */
const storm = Array.from({ length: 2_000 }, (_, index) => {
  const namespace = index % 2 === 0 ? "shop" : "till";
  const labels = { namespace, deployment: `w-${Math.floor(index / 2) % workloads}`, instance: String(index) };
  return firing(index % 5 === 4 ? "Unknown" : "Storm", labels, `storm-${index}`);
});

/** As two Alertmanagers do: what is answered with 503 is sent again. @returns how often that was */
async function deliver(alerts: readonly object[]): Promise<number> {
  const left: (readonly object[])[] = [];
  for (let from = 0; from < alerts.length; from += 100) left.push(alerts.slice(from, from + 100));
  let refused = 0;
  const sender = async (url: string) => {
    for (let batch = left.shift(); batch !== undefined; batch = left.shift()) {
      const body = JSON.stringify({ version: "4", alerts: batch });
      const { status } = await fetch(`${url}/webhooks/alertmanager`, { method: "POST", body });
      if (status === 202) continue;
      expect(status).toBe(503);
      refused += 1;
      left.push(batch);
      await eventually("fewer wait", () => !given.app.controller.backlog.sheds(), { seconds: 60 });
    }
  };
  await Promise.all([given.app.url, other.app.url].map(sender));
  return refused;
}

async function query<Row extends object>(text: string): Promise<readonly Row[]> {
  return (await given.app.database.pool.query<Row>(text)).rows;
}

const settled = () =>
  eventually(
    "every firing is decided and nothing runs",
    async () => {
      const [row] = await query<{ open: number }>(
        `select ((select count(*) from alerts where status = 'open' and decide_at <= now() + interval '15 seconds')
           + (select count(*) from executions where outcome is null))::integer as open`,
      );
      return row?.open === 0;
    },
    { seconds: 60 },
  );

describe("2,000 alerts at once", () => {
  it("are all taken in, each with a decision, and start no more than the limits allow", async () => {
    const before = await transactions();
    const refused = await deliver([...storm, ...storm.slice(0, 500)]);
    expect(refused).toBeGreaterThan(0);
    await settled();
    const found = await query<{ name: string; kind: string; count: number }>(
      `select a.name, coalesce((select kind from decisions d where d.alert_id = a.id order by d.id desc limit 1), 'none') as kind,
         count(*)::integer as count
       from alerts a group by 1, 2`,
    );
    const count = (name: string) =>
      found.filter((row) => row.name === name).reduce((sum, row) => sum + row.count, 0);
    expect([count("Storm"), count("Unknown")]).toEqual([1_600, 400]);
    expect(found.filter(({ kind }) => kind === "none")).toEqual([]);
    expect(found.filter(({ name }) => name === "Unknown")).toEqual([
      { name: "Unknown", kind: "no-match", count: 400 },
    ]);
    const executions = await query<{ namespace: string; outcome: string; count: number; targets: number }>(
      `select target_namespace as namespace, outcome, count(*)::integer as count, count(distinct target_key)::integer as targets
       from executions group by 1, 2 order by 1, 2`,
    );
    // As many as may be, each for another workload; the others are refused once, with the reason.
    const each = (namespace: string, outcome: string, count: number) => ({
      namespace,
      outcome,
      count,
      targets: count,
    });
    expect(executions).toEqual(
      ["shop", "till"].flatMap((namespace) => [
        each(namespace, "refused", (workloads * 4) / 5 - startsAllowed),
        each(namespace, "succeeded", startsAllowed),
      ]),
    );
    expect(given.simulation.cluster.effects.count({ manager: "gitmend" })).toBe(2 * startsAllowed);
    expect((await transactions()) - before).toBeLessThan(10 * storm.length);
  }, 90_000);
});

describe("a delivery while too much waits for a decision", () => {
  it("is sent back unless something in it is critical, and taken when it comes again", async () => {
    const slow = given.simulation.cluster.faults.add({
      userAgent: /^gitmend/,
      times: Number.POSITIVE_INFINITY,
      fault: { kind: "latency", milliseconds: 3_000 },
    });
    const more = Array.from({ length: backlog }, (_, index) =>
      firing("Storm", { namespace: "shop", deployment: "w-49", late: String(index) }, `late-${index}`),
    );
    const post = async (...alerts: readonly object[]) => {
      const body = JSON.stringify({ version: "4", alerts });
      return (await fetch(`${given.app.url}/webhooks/alertmanager`, { method: "POST", body })).status;
    };
    expect(await post(...more)).toBe(202);
    const labels = { namespace: "shop", deployment: "w-48" };
    const warning = firing("Storm", labels, "too-late");
    expect(await post(warning)).toBe(503);
    expect(await post(firing("Storm", { ...labels, severity: "critical" }, "critical"))).toBe(202);
    expect(await query("select 1 from alerts where fingerprint = 'too-late'")).toEqual([]);
    slow.remove();
    await eventually("it is taken", async () => (await post(warning)) === 202, { seconds: 60 });
    await settled();
    const decided = await query(
      "select 1 from alerts a join decisions d on d.alert_id = a.id where a.fingerprint in ('too-late', 'critical')",
    );
    expect(decided.length).toBeGreaterThanOrEqual(2);
  }, 90_000);
});

async function transactions(): Promise<number> {
  await query("select pg_stat_force_next_flush()");
  const [row] = await query<{ count: string }>(
    "select xact_commit as count from pg_stat_database where datname = current_database()",
  );
  return Number(row?.count);
}
