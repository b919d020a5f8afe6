import { describe, expect, it } from "vitest";
import { actions } from "../../src/actions/registry.ts";
import type { CatalogFile } from "../../src/controller/ports.ts";
import { createCatalogSync } from "../../src/controller/sync-catalog.ts";
import { Problem } from "../../src/domain/problem.ts";

const commit = (digit: string) => digit.repeat(40);
const revision = (digit: string) => `main@sha1:${commit(digit)}`;
const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
const good: readonly CatalogFile[] = [
  {
    path: "policies/none.yaml",
    text: "name: none\nrules:\n  - {name: quiet, on: [Nothing], event: {type: deny, params: {reason: no}}}\n",
  },
];

/** A branch whose head and commits the test moves; `named` is what the database says all replicas act on. */
function branch(
  commits: Record<string, readonly CatalogFile[] | Problem>,
  head: string,
  named: string | null,
) {
  const at = { head, named };
  let wakes = 0;
  const sync = createCatalogSync({
    source: {
      branch: "main",
      head: async () => commit(at.head),
      read: async (id) => {
        const found = commits[id[0]!];
        if (found === undefined) throw new Problem("GIT_REFUSED", `commit ${id} is no longer in the remote`);
        if (found instanceof Problem) throw found;
        return found;
      },
    },
    catalogState: {
      current: async () => at.named,
      set: async (name) => {
        at.named = name;
      },
    },
    alerts: {
      wakeUnmatched: async () => {
        wakes += 1;
      },
    },
    actions,
    log: quiet,
  });
  return { sync, at, wakes: () => wakes };
}

describe("the config branch", () => {
  it("is in use after the first look, and what waits for a match is woken once when it moves", async () => {
    const { sync, at, wakes } = branch({ a: good, b: good }, "a", null);
    await sync.sync();
    expect(sync.current()?.revision).toBe(revision("a"));
    expect(wakes()).toBe(0);
    at.head = "b";
    await sync.sync();
    expect(at.named).toBe(revision("b"));
    expect(wakes()).toBe(1);
  });
  it("is read at its head by a new replica when the revision in use was force-pushed away", async () => {
    const { sync, at } = branch({ b: good }, "b", revision("a"));
    await sync.sync();
    expect(sync.current()?.revision).toBe(revision("b"));
    expect(at.named).toBe(revision("b"));
  });
  it("waits, and changes nothing, while the remote is away", async () => {
    const away = new Problem("GIT_UNREACHABLE", "no answer", { retryable: true });
    const { sync, at } = branch({ a: away, b: good }, "b", revision("a"));
    await sync.sync();
    expect(sync.current()).toBeNull();
    expect(at.named).toBe(revision("a"));
    expect(sync.findings().problem).toBe("no answer");
  });
  it("is no problem any more when it answers again with what is in use", async () => {
    const commits: Record<string, readonly CatalogFile[] | Problem> = { a: good };
    const { sync, at } = branch(commits, "a", null);
    await sync.sync();
    at.head = "?";
    await sync.sync();
    expect(sync.findings().problem).toMatch(/no longer in the remote/);
    at.head = "a";
    await sync.sync();
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
    await sync.sync();
    at.head = "b";
    await sync.sync();
    expect(sync.current()?.revision).toBe(revision("a"));
    expect(sync.findings()).toEqual({ revision: revision("b"), findings: [finding], problem: null });
  });
});
