// A controller that starts beside an Alertmanager which already fires: what it never heard of is received, and what a person
// has silenced is left to that person. Nothing is delivered here: it all is asked for.
import { afterAll, beforeAll, expect, it } from "vitest";
import { openDatabase } from "../../src/adapters/postgres/open-database.ts";
import { delivery, newAlert } from "../contracts/store-samples.ts";
import { type Alertmanager, startAlertmanager } from "../support/alertmanager.ts";
import type { ControllerProcess } from "../support/controller-process.ts";
import { eventually } from "../support/eventually.ts";
import { openSite, rollback, startWorld, type World } from "./world.ts";

let world: World;
let alertmanager: Alertmanager;
let controller: ControllerProcess | undefined;

beforeAll(async () => {
  [world, alertmanager] = await Promise.all([
    startWorld(["shop"]),
    startAlertmanager("http://127.0.0.1:9/nobody-listens", "x"),
  ]);
}, 60_000);
afterAll(async () => {
  controller?.kill("SIGTERM");
  await controller?.exited;
  await alertmanager?.stop();
  await world?.stop();
});

const fires = (alertname: string) => ({
  labels: { alertname, namespace: "shop", severity: "warning" },
  startsAt: new Date(Date.now() - 60_000).toISOString(),
  endsAt: new Date(Date.now() + 600_000).toISOString(),
});
const silence = (alertname: string) =>
  alertmanager.silence({ labels: { alertname }, seconds: 3_600, by: "ana", comment: "planned" });

/** As Alertmanager has it, once its silence is in force. */
async function silenced(alertname: string): Promise<string> {
  const look = async () => {
    const answer = await fetch(`${alertmanager.url}/api/v2/alerts?active=false`);
    const alerts = (await answer.json()) as { fingerprint: string; labels: Record<string, string> }[];
    return alerts.find(({ labels }) => labels["alertname"] === alertname)?.fingerprint;
  };
  return eventually(`${alertname} is silenced`, look);
}

interface Now {
  readonly firings: readonly { readonly name: string; readonly state: string }[];
}

it("hears of what it missed while it was not there", async () => {
  await Promise.all([silence("KnownAndSilenced"), silence("NewAndSilenced")]);
  await alertmanager.send([fires("KnownAndSilenced"), fires("NewAndSilenced"), fires("NewAndLoud")]);
  const fingerprint = await silenced("KnownAndSilenced");
  const site = await openSite(world, "shop", rollback, {
    alertmanagers: [{ name: "main", url: alertmanager.url }],
  });
  const before = await openDatabase({ url: site.database });
  const known = newAlert({ source: "main", cluster: "sim", name: "KnownAndSilenced", fingerprint });
  await before.alerts.receive(delivery(known));
  await before.close();
  const running = await site.start();
  controller = running;
  const firings = await eventually("it has looked and decided", async () => {
    const now = (await running.get("/api/v1/now")) as Now;
    const states = now.firings.map(({ name, state }) => `${name} ${state}`).toSorted();
    return states.length === 2 && !states.some((state) => state.endsWith(" due")) ? states : null;
  });
  expect(firings).toEqual(["KnownAndSilenced held", "NewAndLoud no-match"]);
  const { stdout } = await running.cli("now");
  expect(stdout).toMatch(/KnownAndSilenced[^]*silenced by ana until \S+: planned/);
});
