// What the configured Alertmanagers hold right now, asked through their API v2: what fires, what is silenced by whom until
// when, what is inhibited. Everything that they answer is data of others: bounded, and read like a delivery.
import { setImmediate } from "node:timers/promises";
import type {
  AlertmanagerAnswer,
  Alertmanagers,
  AlertState,
  Hold,
  PresentAlert,
} from "../../controller/ports.ts";
import type { Alert } from "../../domain/facts/alert.ts";
import { type AlertSource, readAlerts } from "../../domain/intake/read-alerts.ts";
import { isObject, type JsonObject } from "../../domain/json.ts";
import { oneLine } from "../../domain/plain-text.ts";
import { type Ask, askAlertmanager, unreadable } from "./ask-alertmanager.ts";

export interface AlertmanagerAddress {
  readonly source: AlertSource;
  /** Without `/api/v2`; may have a path of its own. */
  readonly url: string;
  /** The whole header `Authorization`; null: none. */
  readonly authorization: string | null;
}

/** About 10 ms of the main loop, which goes on between two of them. */
const readAtOnce = 1_000;
const everythingSeconds = 20;
const lookSeconds = 5;

/** Every question throws Problem ALERTMANAGER_UNAVAILABLE when it was not answered completely. */
export function alertmanagers(addresses: readonly AlertmanagerAddress[]): Alertmanagers {
  const byName = new Map(addresses.map((address) => [address.source.name, address]));
  return {
    sources: addresses.map(({ source }) => source),
    async look(alert) {
      const address = byName.get(alert.source);
      return address === undefined ? { state: "unasked" } : lookAt(alert, address);
    },
    async everything(name) {
      const address = byName.get(name);
      if (address === undefined) throw new TypeError(`no Alertmanager with an address is called ${name}`);
      return askEverything(address);
    },
  };
}

async function askEverything(address: AlertmanagerAddress): Promise<AlertmanagerAnswer> {
  const ask = askAlertmanager(address, everythingSeconds);
  const upSeconds = await askUpSeconds(ask);
  const entries = await askAlerts(ask, "");
  const present = await presentAlerts(entries, address.source, ask);
  return { fingerprints: new Set(entries.map(({ fingerprint }) => fingerprint)), alerts: present, upSeconds };
}

async function lookAt(alert: Alert, address: AlertmanagerAddress): Promise<AlertState> {
  const ask = askAlertmanager(address, lookSeconds);
  const filter = `&filter=${encodeURIComponent(`alertname="${escaped(alert.name)}"`)}`;
  const entries = await askAlerts(ask, filter);
  const entry = entries.find(({ fingerprint }) => fingerprint === alert.fingerprint);
  if (entry === undefined) return { state: "absent" };
  const hold = (await holdsOf([entry], ask, entries)).get(entry.fingerprint);
  return hold === undefined ? { state: "active" } : { state: "held", why: hold.why };
}

/** As Alertmanager reads the value of a matcher. */
function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

/** By its own clock. A restart forgets all alerts until Prometheus sends them again. */
async function askUpSeconds(ask: Ask): Promise<number> {
  const { body, date } = await ask("/api/v2/status");
  const started = isObject(body) && typeof body.uptime === "string" ? Date.parse(body.uptime) : Number.NaN;
  const seconds = (date - started) / 1000;
  if (Number.isNaN(seconds)) throw unreadable("its status does not say since when it runs");
  return seconds;
}

interface Entry {
  readonly fingerprint: string;
  /** As in a delivery. */
  readonly alert: JsonObject;
  readonly silencedBy: readonly string[];
  readonly inhibitedBy: readonly string[];
  /** Whether it knows already if the alert is silenced or inhibited. */
  readonly processed: boolean;
}

async function askAlerts(ask: Ask, filter: string): Promise<readonly Entry[]> {
  const { body } = await ask(
    `/api/v2/alerts?active=true&silenced=true&inhibited=true&unprocessed=true${filter}`,
  );
  if (!Array.isArray(body)) throw unreadable("its alerts are no list");
  return (body as readonly unknown[]).map(entryOf);
}

function entryOf(item: unknown): Entry {
  const { fingerprint, labels, annotations, startsAt, status } = isObject(item) ? item : {};
  if (typeof fingerprint !== "string" || !isObject(status))
    throw unreadable("one of its alerts has no status");
  return {
    fingerprint,
    alert: {
      status: "firing",
      fingerprint,
      labels: labels ?? null,
      annotations: annotations ?? {},
      startsAt: startsAt ?? null,
    },
    silencedBy: textsOf(status.silencedBy),
    inhibitedBy: textsOf(status.inhibitedBy),
    processed: status.state !== "unprocessed",
  };
}

function textsOf(list: unknown): readonly string[] {
  return Array.isArray(list) ? list.filter((item) => typeof item === "string") : [];
}

/** What can be read of them: nobody could act on the rest, and the webhook keeps such as dead letters. */
async function presentAlerts(
  entries: readonly Entry[],
  source: AlertSource,
  ask: Ask,
): Promise<readonly PresentAlert[]> {
  const processed = entries.filter((entry) => entry.processed);
  const holds = await holdsOf(processed, ask, entries);
  const present: PresentAlert[] = [];
  for (let at = 0; at < processed.length; at += readAtOnce) {
    const alerts = processed.slice(at, at + readAtOnce).map(({ alert }) => alert);
    for (const alert of readAlerts({ version: "4", alerts }, source).alerts)
      present.push({ alert, hold: holds.get(alert.fingerprint) ?? null });
    await setImmediate();
  }
  return present;
}

/** Why each that is held is held, by fingerprint. Silences are asked for only where there are any. */
async function holdsOf(
  entries: readonly Entry[],
  ask: Ask,
  known: readonly Entry[],
): Promise<ReadonlyMap<string, Hold>> {
  const silenced = entries.some(({ silencedBy }) => silencedBy.length > 0);
  const silences = silenced ? await askSilences(ask) : new Map<string, Hold>();
  const names = new Map(known.map(({ fingerprint, alert }) => [fingerprint, alertName(alert)]));
  const holds = new Map<string, Hold>();
  for (const { fingerprint, silencedBy, inhibitedBy } of entries) {
    const hold =
      silencedBy.length > 0
        ? longest(silencedBy, silences)
        : inhibitedBy.length > 0
          ? inhibited(inhibitedBy, names)
          : null;
    if (hold !== null) holds.set(fingerprint, hold);
  }
  return holds;
}

function alertName({ labels }: JsonObject): string | null {
  const name = isObject(labels) && Object.hasOwn(labels, "alertname") ? labels["alertname"] : null;
  return typeof name === "string" ? name : null;
}

/** Of several silences the one that ends last. */
function longest(ids: readonly string[], silences: ReadonlyMap<string, Hold>): Hold {
  const found = ids.flatMap((id) => silences.get(id) ?? []);
  const [last] = found.toSorted((a, b) => (b.until ?? "").localeCompare(a.until ?? ""));
  return last ?? { by: null, until: null, why: "silenced" };
}

function inhibited(by: readonly string[], names: ReadonlyMap<string, string | null>): Hold {
  const known = new Set(by.flatMap((fingerprint) => names.get(fingerprint) ?? []));
  const who = known.size === 0 ? "another alert" : [...known].toSorted().slice(0, 5).join(", ");
  return { by: null, until: null, why: `inhibited by ${oneLine(who, 200)}` };
}

async function askSilences(ask: Ask): Promise<ReadonlyMap<string, Hold>> {
  const { body } = await ask("/api/v2/silences");
  if (!Array.isArray(body)) throw unreadable("its silences are no list");
  return new Map((body as readonly unknown[]).map(silenceOf));
}

function silenceOf(item: unknown): readonly [id: string, hold: Hold] {
  const { id, createdBy, comment, endsAt } = isObject(item) ? item : {};
  const end = typeof endsAt === "string" ? Date.parse(endsAt) : Number.NaN;
  if (typeof id !== "string" || Number.isNaN(end))
    throw unreadable("one of its silences has no id or no end");
  const by = oneLine(typeof createdBy === "string" ? createdBy : "", 100) || "somebody";
  const said = oneLine(typeof comment === "string" ? comment : "", 200);
  const until = new Date(end).toISOString();
  return [id, { by, until, why: `silenced by ${by} until ${until}${said === "" ? "" : `: ${said}`}` }];
}
