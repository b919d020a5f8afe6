// Firings in a real PostgreSQL beside real Alertmanagers that deliver over HTTP: what gets lost between them is made good.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { alertmanagers } from "../../src/adapters/alertmanager/alertmanager-api.ts";
import { type Database, openDatabase } from "../../src/adapters/postgres/open-database.ts";
import type { Alertmanagers, FiringDecision } from "../../src/controller/ports.ts";
import { reconcileAlerts } from "../../src/controller/reconcile-alerts.ts";
import { givenServer, noDeadLetters } from "../server/given-server.ts";
import {
  type Alertmanager,
  type AlertmanagerOptions,
  type PrometheusAlert,
  startAlertmanager,
} from "../support/alertmanager.ts";
import { eventually } from "../support/eventually.ts";
import { freePort, startPostgres, type TestPostgres } from "../support/postgres.ts";

/** What is delivered or restarted right now counts: tests have no half minute. Headers tell the time in whole seconds. */
const hasty = { unheardSeconds: 0, restartSeconds: -1 };
const nowhere = "http://127.0.0.1:9/webhooks/alertmanager/main";
const minute = 60_000;

let postgres: TestPostgres;
let database: Database;
let server: Awaited<ReturnType<typeof givenServer>>;
const started: Alertmanager[] = [];

beforeAll(async () => {
  postgres = await startPostgres({ fsync: false });
});
afterAll(() => postgres.remove());
beforeEach(async () => {
  database = await openDatabase({ url: await postgres.createDatabase() });
  const source = (name: string) => ({ name, clusters: ["prod"], clusterLabel: "cluster" });
  const credential = { type: "bearer", token: "a-token-for-one-alertmanager" } as const;
  server = await givenServer(
    { sources: [source("main"), source("peer")].map((one) => ({ ...one, credential })) },
    { alerts: { ...noDeadLetters, receive: (delivery) => database.alerts.receive(delivery) } },
  );
});
afterEach(async () => {
  await Promise.all(started.splice(0).map((alertmanager) => alertmanager.stop()));
  await server.server.close(0);
  await database.close();
});

async function start(name: string, options: AlertmanagerOptions & { webhook?: string } = {}) {
  const { webhook = `${server.url}/webhooks/alertmanager/${name}`, ...rest } = options;
  const alertmanager = await startAlertmanager(webhook, "a-token-for-one-alertmanager", rest);
  started.push(alertmanager);
  return alertmanager;
}

const addresses = (...named: readonly (readonly [name: string, url: string])[]): Alertmanagers =>
  alertmanagers(
    named.map(([name, url]) => ({
      source: { name, clusters: ["prod"], clusterLabel: "cluster" },
      url,
      authorization: null,
    })),
  );

function reconciling(asked: Alertmanagers, patience = hasty) {
  const warned: string[] = [];
  const log = {
    info: () => undefined,
    error: () => undefined,
    warn: (_: object, text: string) => void warned.push(text),
  };
  const { alerts, clock } = database;
  return { warned, round: reconcileAlerts({ alerts, alertmanagers: asked, clock, log }, patience) };
}

const refusing = async () => `http://127.0.0.1:${await freePort()}`;

const crash = (changes: Partial<PrometheusAlert> = {}): PrometheusAlert => ({
  labels: { alertname: "KubePodCrashLooping", namespace: "shop", pod: "api-0", severity: "warning" },
  startsAt: new Date(Date.now() - minute).toISOString(),
  endsAt: new Date(Date.now() + 10 * minute).toISOString(),
  ...changes,
});
const ended = (alert: PrometheusAlert): PrometheusAlert => ({
  ...alert,
  endsAt: new Date(Date.now() - 1).toISOString(),
});

const rows = async () =>
  (
    await database.pool.query<{
      name: string;
      status: string;
      held_by: string | null;
      held_why: string | null;
    }>("select name, status, held_by, held_why from alerts order by id")
  ).rows;
const isOpen = async (name = "KubePodCrashLooping") =>
  (await rows()).some((row) => row.name === name && row.status === "open");
const decisions = async () =>
  (
    await database.pool.query<{ kind: string; reasons: string[] }>(
      "select kind, reasons from decisions order by id",
    )
  ).rows;
/** Claimed for no time: it stays due. */
const due = async () => (await database.alerts.takeDue(10, 0)).map(({ alert }) => alert.name);

describe("a firing", () => {
  it("is held while it is silenced, for a reason that is recorded once, and due again when the silence ends", async () => {
    const main = await start("main");
    const { round } = reconciling(addresses(["main", main.url]));
    await main.send([crash()]);
    await eventually("the firing is delivered", isOpen);
    await round();
    expect(await due()).toEqual(["KubePodCrashLooping"]);
    const labels = { alertname: "KubePodCrashLooping" };
    const id = await main.silence({ labels, seconds: 3_600, by: "ana", comment: "I am\nworking on it" });
    await eventually("it is held", async () => {
      await round();
      return (await rows())[0]?.held_by === "ana";
    });
    await round();
    expect(await due()).toEqual([]);
    expect(await decisions()).toEqual([
      { kind: "held", reasons: [expect.stringMatching(/^silenced by ana until 2\S+Z: I am working on it$/)] },
    ]);
    await main.expireSilence(id);
    await eventually("it is due again", async () => {
      await round();
      return (await due()).length === 1;
    });
  });

  it("makes a decision stale that was being made when the silence was seen", async () => {
    const main = await start("main");
    const asked = addresses(["main", main.url]);
    await main.send([crash()]);
    await eventually("the firing is delivered", isOpen);
    const [taken] = await database.alerts.takeDue(1, 60);
    await main.silence({ labels: { pod: "api-0" }, seconds: 3_600, by: "ana", comment: "" });
    await eventually("the silence is seen", async () => (await asked.look(taken!.alert)).state === "held");
    await reconciling(asked).round();
    const decision: FiringDecision = { kind: "undecided", revision: "r", reasons: [], retrySeconds: 0 };
    expect(await database.alerts.decide(taken!, decision)).toEqual({ result: "stale" });
  });

  it("is held while a bigger one inhibits it, and the bigger one is not", async () => {
    const main = await start("main");
    const { round } = reconciling(addresses(["main", main.url]));
    await main.send([crash()]);
    await eventually("the firing is delivered", isOpen);
    await main.send([crash({ labels: { alertname: "EverythingDown", namespace: "shop" } })]);
    await eventually("it is held", async () => {
      await round();
      return (await rows())[0]?.held_why === "inhibited by EverythingDown";
    });
    await eventually("the other one is open", () => isOpen("EverythingDown"));
    expect(await due()).toEqual(["EverythingDown"]);
  });

  it("is resolved when its resolve was lost, and not before it was", async () => {
    const main = await start("main", { sendResolved: false });
    const { round } = reconciling(addresses(["main", main.url]));
    const alert = crash();
    await main.send([alert]);
    await eventually("the firing is delivered", isOpen);
    await round();
    expect(await isOpen()).toBe(true);
    await main.send([ended(alert)]);
    await eventually("it is resolved", async () => {
      await round();
      return !(await isOpen());
    });
    expect(await due()).toEqual([]);
  });

  it("stays open when its Alertmanager has just restarted, which forgets all alerts", async () => {
    const main = await start("main");
    await main.send([crash()]);
    await eventually("the firing is delivered", isOpen);
    const fresh = await start("main", { webhook: nowhere });
    const asked = addresses(["main", fresh.url]);
    expect((await asked.everything("main")).fingerprints.size).toBe(0);
    await reconciling(asked, { ...hasty, restartSeconds: 300 }).round();
    expect(await isOpen()).toBe(true);
    await reconciling(asked).round();
    expect(await isOpen()).toBe(false);
  });

  it("stays open when it was delivered a moment ago", async () => {
    const main = await start("main");
    await main.send([crash()]);
    await eventually("the firing is delivered", isOpen);
    const other = await start("main", { webhook: nowhere });
    await reconciling(addresses(["main", other.url]), { ...hasty, unheardSeconds: 30 }).round();
    expect(await isOpen()).toBe(true);
  });

  it("is received when its delivery was lost, once", async () => {
    const main = await start("main", { webhook: nowhere });
    const { round } = reconciling(addresses(["main", main.url]));
    await main.send([crash(), crash({ labels: { alertname: "Watchdog" } })]);
    await eventually("it is received", async () => {
      await round();
      return isOpen();
    });
    await round();
    expect((await rows()).map(({ name }) => name)).toEqual(["KubePodCrashLooping"]);
    expect((await database.alerts.watchdogs()).map(({ source }) => source)).toEqual(["main"]);
  });

  it("is not received while it is silenced where it fires", async () => {
    const main = await start("main", { webhook: nowhere });
    const asked = addresses(["main", main.url]);
    await main.silence({ labels: { pod: "api-0" }, seconds: 3_600, by: "ana", comment: "" });
    await main.send([crash(), crash({ labels: { alertname: "Other" } })]);
    const { round } = reconciling(asked);
    await eventually("the other one is received", async () => {
      await round();
      return isOpen("Other");
    });
    expect(await isOpen()).toBe(false);
  });
});

describe("two Alertmanagers of one cluster", () => {
  it("make one firing and one decision, whoever delivers", async () => {
    const [main, peer] = await Promise.all([start("main"), start("peer")]);
    const alert = crash();
    await Promise.all([main.send([alert]), peer.send([alert])]);
    const delivered = async () =>
      (await database.pool.query("select distinct source from deliveries")).rows.length === 2;
    await eventually("both have delivered", delivered);
    await reconciling(addresses(["main", main.url], ["peer", peer.url])).round();
    const taken = await database.alerts.takeDue(10, 60);
    expect(taken).toHaveLength(1);
    const decision: FiringDecision = { kind: "undecided", revision: "r", reasons: [], retrySeconds: 60 };
    expect(await database.alerts.decide(taken[0]!, decision)).toEqual({ result: "committed" });
    expect(await decisions()).toHaveLength(1);
  });

  it("end a firing only when neither has it, and never while one cannot be asked", async () => {
    const [main, peer] = await Promise.all([
      start("main", { sendResolved: false }),
      start("peer", { webhook: nowhere }),
    ]);
    const alert = crash();
    await Promise.all([main.send([alert]), peer.send([alert])]);
    await eventually("the firing is delivered", isOpen);
    await main.send([ended(alert)]);
    await eventually("the first one forgets it", async () => (await main.firing()).length === 0);
    const { round } = reconciling(addresses(["main", main.url], ["peer", peer.url]));
    await round();
    expect(await isOpen()).toBe(true);
    await peer.send([ended(alert)]);
    await eventually("the second one forgets it", async () => (await peer.firing()).length === 0);
    await reconciling(addresses(["main", main.url], ["peer", await refusing()])).round();
    expect(await isOpen()).toBe(true);
    await round();
    expect(await isOpen()).toBe(false);
  });
});

describe("a firing that was held", () => {
  it("is let go when nobody can be asked about it any more", async () => {
    const main = await start("main");
    await main.send([crash()]);
    await eventually("the firing is delivered", isOpen);
    const [firing] = await database.alerts.openFirings();
    await database.alerts.hold([{ ...firing!, hold: { by: null, until: null, why: "inhibited by X" } }]);
    await reconciling(addresses(["main", await refusing()])).round();
    expect(await due()).toEqual([]);
    await reconciling(addresses()).round();
    expect(await due()).toEqual(["KubePodCrashLooping"]);
    expect(await isOpen()).toBe(true);
  });
});

describe("an Alertmanager that is away", () => {
  it("changes nothing, and people hear of it once", async () => {
    const main = await start("main");
    await main.send([crash()]);
    await eventually("the firing is delivered", isOpen);
    const { round, warned } = reconciling(addresses(["main", await refusing()]));
    await round();
    await round();
    expect(await isOpen()).toBe(true);
    expect(await due()).toHaveLength(1);
    expect(warned).toEqual(["Alertmanager cannot be asked what fires"]);
  });
});
