// Every place where the engine waits is a place where it may die. A crash matters where something outside has changed: there a
// fault point has to stand, so that fault-points.integration.test.ts can kill it there. A new await that nobody has thought
// about fails here.
import { readFileSync } from "node:fs";
import { relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { type Functions, functionsIn, reachable, type Site, sitesOf } from "../support/awaits.ts";

const root = resolve(import.meta.dirname, "../..");
const files = [
  ...reachable(resolve(root, "src/controller/drive-execution.ts")),
  resolve(root, "src/actions/effects.ts"),
].map((path) => ({ path: relative(root, path), text: readFileSync(path, "utf8") }));

/** Calls after which the world is another one. The next thing in the same function is a fault point, or an append. */
const changing: ReadonlySet<string> = new Set([
  "append",
  "apply",
  "create",
  "claim",
  "close",
  "event",
  "evict",
  "notify",
  "open",
  "patch",
  "propose",
  "record",
  "release",
  "remove",
  "saveEvidence",
  "saveSnapshot",
  "send",
]);

/** `path what`, where the point stands elsewhere -> why that is enough. */
const elsewhere: Readonly<Record<string, string>> = {
  "src/actions/effects.ts api.patch": "within effects.apply, or a dry-run",
  "src/actions/effects.ts cluster().create": "within effects.apply, or a dry-run",
  "src/actions/effects.ts cluster().remove": "within effects.apply, or a dry-run",
  "src/actions/effects.ts sources.propose": "within effects.apply",
  "src/actions/effects.ts tools.notify": "within effects.apply",
  "src/controller/drive-execution.ts session.close": "ends it in memory alone",
  "src/controller/end-execution.ts requestForge().close": "may be done again; ended-before-append comes next",
  "src/controller/keep-snapshots.ts executions.saveSnapshot": "a copy of what the events say",
  "src/controller/make-effect.ts effects.apply":
    "its callers go on with step-after-effect or undo-after-effect",
  "src/controller/request-forge.ts forge.close": "within closeApproval",
  "src/controller/request-forge.ts forge.open": "within askApproval: approval-after-open comes next",
  "src/controller/request-forge.ts server.close": "within closeApproval",
  "src/controller/request-forge.ts server.propose": "within askApproval: approval-after-open comes next",
  "src/controller/session.ts executions.append": "append-before and append-after stand around its only call",
  "src/controller/tell-target.ts cluster().event": "named from the execution: a second one is the same one",
};

/** Calls that change nothing outside: a crash there is a crash at the point before. -> what they do */
const changesNothing: Readonly<Record<string, string>> = {
  "sources.look": "reads",
  "server.readProposed": "reads",
  "repairs.isIntact": "reads",
  "repairs.push": "repair-after-push comes next",
  "session.record": "append-before and append-after stand in it (session.ts)",
  "action.prepare": "reads",
  "action.resolve": "reads",
  "action.run": "reads; the evidence that it keeps is kept under its name",
  "action.settle": "waits and reads; that people are asked to merge is done once, whoever does it",
  "alertmanagers.look": "reads",
  "alerts.history": "reads",
  "alerts.openAlike": "reads",
  "api.get": "reads",
  "api.list": "reads",
  "cluster().get": "reads",
  "effects.dryRun": "reads",
  "effects.prepareRestore": "reads",
  "executions.state": "reads",
  check: "reads: a check before the effect",
  missingAccess: "reads",
  disruptionRoom: "reads",
  budgetsFor: "reads",
  "pauses.ask": "reads",
  "store.endOf": "reads",
  podsOf: "reads",
  "tools.query": "reads",
  weigh: "reads",
  replan: "reads",
  "Promise.all": "waits for what is looked at where it is made",
  "waker.promise": "waits",
  "alarm.next": "waits",
  waitFor: "waits and reads",
  promise: "waits",
  act: "is handed in",
  fetch: "is handed in",
  look: "is handed in",
  question: "is handed in",
  resolve: "is handed in",
  resolveCall: "is handed in",
  run: "is handed in",
  undo: "is handed in",
  work: "is handed in",
};

const isPoint = ({ what, awaited }: Site) => what === "faults.at" && awaited;

/** What is wrong with the sites of one function, for whoever wrote the await. */
function complaints(sites: readonly Site[], path: string, own: ReadonlySet<string>): readonly string[] {
  return sites.flatMap((site, index) => {
    const { at, what, name } = site;
    if (isPoint(site) || own.has(what) || Object.hasOwn(changesNothing, what)) return [];
    const next = sites[index + 1];
    const followed = next !== undefined && (isPoint(next) || next.what === "session.record");
    if (followed || Object.hasOwn(elsewhere, `${path} ${what}`)) return [];
    return changing.has(name)
      ? [`${at} ${what} changes something, and no fault point follows it in ${site.within}`]
      : [`${at} nobody has said what a crash at ${what} leaves behind`];
  });
}

function inspect(sources: typeof files) {
  const own = new Set(sources.flatMap(({ path, text }) => functionsIn(path, text)));
  const found = sources.map(({ path, text }) => ({ path, functions: sitesOf(path, text, changing) }));
  const sitesIn = (functions: Functions) => functions.flat();
  return {
    sites: found.flatMap(({ functions }) => sitesIn(functions)),
    complaints: found.flatMap(({ path, functions }) =>
      functions.flatMap((sites) => complaints(sites, path, own)),
    ),
  };
}

describe("the engine", () => {
  const { sites, complaints: found } = inspect(files);

  it("can be killed wherever it has changed something", () => {
    // What to do is in AGENTS.md, "an await of the engine".
    expect(found).toEqual([]);
  });
  it("is looked at as a whole", () => {
    expect(files.map(({ path }) => path)).toEqual(
      expect.arrayContaining([
        "src/actions/effects.ts",
        "src/controller/drive-execution.ts",
        "src/controller/end-execution.ts",
        "src/controller/make-effect.ts",
        "src/controller/run-approval.ts",
        "src/controller/run-step.ts",
        "src/controller/run-undo.ts",
        "src/controller/session.ts",
        "src/controller/weigh-again.ts",
      ]),
    );
    expect(sites.length).toBeGreaterThan(90);
  });
  it("has no exception that nobody needs", () => {
    const seen = new Set(sites.flatMap(({ at, what }) => [what, `${at.split(":")[0]} ${what}`]));
    const unused = [...Object.keys(elsewhere), ...Object.keys(changesNothing)].filter(
      (key) => !seen.has(key),
    );
    expect(unused).toEqual([]);
  });
});

describe("the check", () => {
  const planted = (body: string) => {
    const text = `export async function planted(session: S, ports: P): Promise<void> { ${body} }`;
    return inspect([{ path: "planted.ts", text }]).complaints;
  };
  const bare = "planted.ts:1 forge.open changes something, and no fault point follows it in planted";

  it.each([
    ["an await that nobody has thought about", "await ports.queue.pull();", "nobody has said"],
    ["a change without a point", "await ports.forge.open(request);", bare],
    ["a change that nobody awaits", "return ports.forge.open(request);", bare],
    [
      "a change with another await before its point",
      "await ports.forge.open(r); await ports.alerts.history(a);",
      bare,
    ],
    ["a point that nobody awaits", "await ports.forge.open(r); void ports.faults.at('x');", bare],
    [
      "a point in another function",
      "await ports.forge.open(r); f(async () => { await ports.faults.at('x'); });",
      bare,
    ],
    [
      "one side of a condition",
      "await (a ? session.record(e) : ports.queue.pull());",
      "ports.queue.pull".slice(6),
    ],
    ["what is caught", "await ports.queue.pull().catch(tell);", "queue.pull"],
    ["a stream", "for await (const one of ports.queue.all()) use(one);", "queue.all"],
  ])("sees %s", (_what, body, complaint) => {
    expect(planted(body)).toEqual([expect.stringContaining(complaint)]);
  });
  it.each([
    [
      "a change and its point",
      "await ports.forge.open(request); await ports.faults.at('approval-after-open');",
    ],
    [
      "a change and the append that tells it",
      "if (!(await ports.executions.claim(id, keys))) return; await session.record(e);",
    ],
    ["a read", "const seen = await ports.alerts.history(alert);"],
  ])("is content with %s", (_what, body) => {
    expect(planted(body)).toEqual([]);
  });
});
