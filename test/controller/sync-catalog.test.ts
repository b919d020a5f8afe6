import { describe, expect, it } from "vitest";
import { actions } from "../../src/actions/registry.ts";
import type { CatalogFile } from "../../src/controller/ports.ts";
import { type CatalogSync, createCatalogSync } from "../../src/controller/sync-catalog.ts";
import { compileCatalog } from "../../src/domain/policies/compile-catalog.ts";
import { Problem } from "../../src/domain/problem.ts";
import type { Scope } from "../../src/domain/templates/scope.ts";
import { noMetrics } from "../support/no-metrics.ts";

const commit = (digit: string) => digit.repeat(40);
const revision = (digit: string) => `main@sha1:${commit(digit)}`;
const good: readonly CatalogFile[] = [
  {
    path: "policies/none.yaml",
    text: "name: none\nrules:\n  - {name: quiet, on: [Nothing], event: {type: deny, params: {reason: no}}}\n",
  },
];

const unread: readonly CatalogFile[] = [{ path: "policies/none.yaml", text: "name: none\nrules: 7\n" }];
const intervalSeconds = 5;

/** As if the interval were over. */
const look = async (sync: CatalogSync) => {
  sync.lookSoon();
  await sync.round();
};

/** A branch whose head and commits the test moves; `named` is what the database says all replicas act on. */
function branch(
  commits: Record<string, readonly CatalogFile[] | Problem>,
  head: string,
  named: string | null,
  scopes: readonly Scope[] = [],
) {
  const at = { head, named, onRead: () => undefined as void };
  let wakes = 0;
  let heads = 0;
  const compiled: string[] = [];
  const logged: string[] = [];
  const say = (_fields: object, message: string) => void logged.push(message);
  const sync = createCatalogSync(
    {
      source: {
        branch: "main",
        signers: async () => [],
        head: async () => {
          heads += 1;
          return commit(at.head);
        },
        read: async (id) => {
          at.onRead();
          const found = commits[id[0]!];
          if (found === undefined)
            throw new Problem("GIT_REFUSED", `commit ${id} is no longer in the remote`);
          if (found instanceof Problem) throw found;
          return found;
        },
      },
      compiler: {
        compile: async (files, revision, accepted) => {
          compiled.push(revision);
          return compileCatalog(files, revision, actions, scopes, accepted);
        },
      },
      catalogState: {
        current: async () => at.named,
        set: async (name) => {
          at.named = name;
        },
      },
      guardStore: {
        approved: async () => null,
        approve: async () => true,
        hold: async () => undefined,
        isSpent: async () => false,
      },
      loosening: null,
      teams: new Map(),
      alerts: {
        wakeUnmatched: async () => {
          wakes += 1;
        },
      },
      log: { info: () => undefined, warn: say, error: say },
      metrics: noMetrics,
    },
    intervalSeconds,
  );
  return { sync, at, compiled, logged, wakes: () => wakes, heads: () => heads };
}

describe("the config branch", () => {
  it("is in use after the first look, and what waits for a match is woken once when it moves", async () => {
    const { sync, at, wakes } = branch({ a: good, b: good }, "a", null);
    await look(sync);
    expect(sync.current()?.revision).toBe(revision("a"));
    expect(wakes()).toBe(0);
    at.head = "b";
    await look(sync);
    expect(at.named).toBe(revision("b"));
    expect(wakes()).toBe(1);
  });
  it("is read at its head by a new replica when the revision in use was force-pushed away", async () => {
    const { sync, at } = branch({ b: good }, "b", revision("a"));
    await look(sync);
    expect(sync.current()?.revision).toBe(revision("b"));
    expect(at.named).toBe(revision("b"));
  });
  it("waits, and changes nothing, while the remote is away", async () => {
    const away = new Problem("GIT_UNREACHABLE", "no answer", { retryable: true });
    const { sync, at } = branch({ a: away, b: good }, "b", revision("a"));
    await look(sync);
    expect(sync.current()).toBeNull();
    expect(at.named).toBe(revision("a"));
    expect(sync.findings().problem).toBe("no answer");
  });
  it("is no problem any more when it answers again with what is in use", async () => {
    const commits: Record<string, readonly CatalogFile[] | Problem> = { a: good };
    const { sync, at } = branch(commits, "a", null);
    await look(sync);
    at.head = "?";
    await look(sync);
    expect(sync.findings().problem).toMatch(/no longer in the remote/);
    at.head = "a";
    await look(sync);
    expect(sync.findings().problem).toBeNull();
  });
});

describe("a commit that cannot even be read as a catalog", () => {
  const finding = {
    file: "policies/link.yaml",
    line: 1,
    column: 1,
    severity: "error",
    code: "SYMBOLIC_LINK",
    message: "symbolic links are not followed: put the file here",
  } as const;
  const refused = new Problem("CATALOG_INVALID", "a link", { details: { findings: [finding] } });

  it("is reported with its findings, and the last good revision stays", async () => {
    const { sync, at } = branch({ a: good, b: refused }, "a", null);
    await look(sync);
    at.head = "b";
    await look(sync);
    expect(sync.current()?.revision).toBe(revision("a"));
    expect(sync.findings()).toEqual({ revision: revision("b"), findings: [finding], problem: null });
  });
});

describe("a commit that is not valid", () => {
  it("is reported once, not with every look, and a good one after it is taken into use", async () => {
    const { sync, at, logged, compiled } = branch({ a: good, b: unread, c: good }, "a", null);
    await look(sync);
    at.head = "b";
    await look(sync);
    await look(sync);
    expect(sync.current()?.revision).toBe(revision("a"));
    expect(at.named).toBe(revision("a"));
    expect(logged).toEqual(["the commit is not valid: the last good revision stays"]);
    expect(compiled.filter((one) => one === revision("b"))).toHaveLength(1);
    at.head = "c";
    await look(sync);
    expect(sync.current()?.revision).toBe(revision("c"));
    expect(sync.findings().findings).toEqual([]);
  });

  it("is forgotten when the branch goes back to what is in use", async () => {
    const { sync, at } = branch({ a: good, b: unread }, "a", null);
    await look(sync);
    at.head = "b";
    await look(sync);
    at.head = "a";
    await look(sync);
    expect(sync.findings()).toEqual({ revision: revision("a"), findings: [], problem: null });
    at.head = "b";
    await look(sync);
    expect(sync.findings().revision).toBe(revision("b"));
  });

  it("is looked at again when only its signature was missing: the file of signers may have changed", async () => {
    const { code, ...place } = {
      file: "commit",
      line: 1,
      column: 1,
      severity: "error",
      code: "COMMIT_NOT_SIGNED",
    };
    const unsigned = new Problem("CATALOG_INVALID", "not signed", {
      details: { findings: [{ ...place, code, message: "it is not signed" }] },
    });
    const commits: Record<string, readonly CatalogFile[] | Problem> = { a: unsigned };
    const { sync, logged } = branch(commits, "a", null);
    await look(sync);
    await look(sync);
    expect(sync.current()).toBeNull();
    expect(logged).toHaveLength(1);
    commits["a"] = good;
    await look(sync);
    expect(sync.current()?.revision).toBe(revision("a"));
  });
});

describe("replicas", () => {
  it("follow the revision that is named, without asking the remote", async () => {
    const { sync, at, heads } = branch({ a: good, b: good }, "a", null);
    await sync.round();
    at.named = revision("b");
    await sync.round();
    expect(sync.current()?.revision).toBe(revision("b"));
    expect(heads()).toBe(1);
  });

  it("ask the remote when the interval is over, or at once when a push is announced, however often", async () => {
    const { sync, heads } = branch({ a: good }, "a", null);
    await sync.round();
    for (let second = 1; second < intervalSeconds; second += 1) await sync.round();
    expect(heads()).toBe(1);
    await sync.round();
    expect(heads()).toBe(2);
    for (let push = 0; push < 1_000; push += 1) sync.lookSoon();
    await sync.round();
    await sync.round();
    expect(heads()).toBe(3);
  });

  it("do not take a newer revision back that another one named meanwhile", async () => {
    const { sync, at } = branch({ a: good, b: good, c: good }, "a", null);
    await look(sync);
    at.head = "b";
    at.onRead = () => {
      at.named = revision("c");
      at.head = "c";
    };
    await look(sync);
    expect(at.named).toBe(revision("c"));
    await sync.round();
    expect(sync.current()?.revision).toBe(revision("c"));
  });

  it("do not try a named revision that they cannot use every second", async () => {
    const { sync, at, compiled } = branch({ a: good, b: unread }, "a", null);
    await look(sync);
    at.named = revision("b");
    for (let second = 1; second < intervalSeconds; second += 1) await sync.round();
    expect(compiled.filter((one) => one === revision("b"))).toHaveLength(1);
    expect(sync.current()?.revision).toBe(revision("a"));
  });

  it("say once that the database or the remote is away, and go on when it is back", async () => {
    const commits: Record<string, readonly CatalogFile[] | Problem> = {
      a: new Problem("GIT_UNREACHABLE", "no answer", { retryable: true }),
    };
    const { sync, logged } = branch(commits, "a", null);
    await look(sync);
    await look(sync);
    expect(logged).toHaveLength(1);
    commits["a"] = good;
    await look(sync);
    expect(sync.findings().problem).toBeNull();
    expect(sync.current()?.revision).toBe(revision("a"));
  });
});

describe("a scope of gitmend.yaml that was narrowed below what the catalog does", () => {
  const elsewhere = {
    path: "teams/shop",
    namespaces: ["shop"],
    clusters: ["*"],
    actions: ["*"],
    uses: [],
  };
  const scopes = [{ ...elsewhere, maxRisk: "high", runAs: null }] as const;

  it("takes nobody's remedies away: the revision in use stays, with its findings, and no new one exceeds it", async () => {
    const { sync, at } = branch({ a: good, b: good }, "a", revision("a"), scopes);
    await look(sync);
    expect(sync.current()?.revision).toBe(revision("a"));
    expect(sync.findings().findings.map(({ code }) => code)).toEqual(["SCOPE_MISSING"]);
    at.head = "b";
    await look(sync);
    expect(sync.current()?.revision).toBe(revision("a"));
    expect(at.named).toBe(revision("a"));
  });

  it("has no catalog that was never in use", async () => {
    const { sync } = branch({ a: good }, "a", null, scopes);
    await look(sync);
    expect(sync.current()).toBeNull();
  });
});
