// `pause.yaml` and what `catalog.yaml` revokes, as people write them.
import { describe, expect, it } from "vitest";
import { actions } from "../../../src/actions/registry.ts";
import { isRevoked } from "../../../src/domain/policies/catalog.ts";
import { compileCatalog } from "../../../src/domain/policies/compile-catalog.ts";

const template =
  "name: raise-memory\nversion: 1.3.0\nsteps: [{name: look, action: {action: get_pod_status}}]\n";
const compiled = (path: string, text: string) =>
  compileCatalog(
    [
      { path: "templates/t.yaml", text: template },
      { path, text },
    ],
    "main@sha1:0",
    actions,
  );
const pauses = (text: string) => compiled("pause.yaml", text);

describe("pause.yaml", () => {
  it("pauses everything, a cluster or a namespace, each with who, why and until when", () => {
    const { catalog, findings } = pauses(`
pauses:
  - {reason: "the network is being repaired"}
  - {cluster: prod-eu, reason: upgrade, until: "2026-11-23T14:00:00+02:00", by: ana}
  - {namespace: shop, cluster: prod-eu, reason: migration}
`);
    expect(findings).toEqual([]);
    expect(catalog?.pauses).toEqual([
      {
        scope: { kind: "everything", cluster: null },
        by: "pause.yaml:3",
        reason: "the network is being repaired",
        until: null,
        source: "file",
      },
      {
        scope: { kind: "everything", cluster: "prod-eu" },
        by: "ana",
        reason: "upgrade",
        until: "2026-11-23T12:00:00.000Z",
        source: "file",
      },
      {
        scope: { kind: "namespace", cluster: "prod-eu", namespace: "shop" },
        by: "pause.yaml:5",
        reason: "migration",
        until: null,
        source: "file",
      },
    ]);
  });
  it.each([
    [
      "a time that is none",
      "pauses:\n  - {reason: r, until: noon}\n",
      /pause.yaml:2:24 WRONG_VALUE "noon" is no time/,
    ],
    ["no reason", "pauses:\n  - {namespace: shop}\n", /pause.yaml:2:5 .*reason/],
    ["a key that nobody knows", "pauses:\n  - {namespce: shop, reason: r}\n", /pause.yaml:2:6 .*namespace/],
    ["another format", "format: 2\n", /pause.yaml:1:9/],
    ["no YAML", "pauses: [", /pause.yaml:1/],
  ])("is refused with %s, at its place", (_what, text, expected) => {
    const { catalog, findings } = pauses(text);
    expect(catalog).toBeNull();
    const said = findings.map(
      ({ file, line, column, code, message }) => `${file}:${line}:${column} ${code} ${message}`,
    );
    expect(said.join("\n")).toMatch(expected);
  });
  it("may be empty or not there", () => {
    expect(pauses("pauses: []\n").catalog?.pauses).toEqual([]);
    expect(compiled("README.md", "").catalog?.pauses).toEqual([]);
  });
});

describe("revoked in catalog.yaml", () => {
  const revoked = (entry: string) => compiled("catalog.yaml", `revoked: ["${entry}"]\n`);
  it.each([
    ["raise-memory@1.3.0", true],
    ["raise-memory", true],
    ["raise-memory@1.2.0", false],
  ])("as %s: the version in use is %s", (entry, expected) => {
    const { catalog, findings } = revoked(entry);
    const found = catalog?.templates.get("raise-memory");
    if (catalog === null || found === undefined) throw new Error(JSON.stringify(findings));
    expect(isRevoked(found, catalog)).toBe(expected);
    expect(findings).toEqual([]);
  });
  it("warns of a name that no template has", () => {
    const { catalog, findings } = revoked("raise-memroy@1.3.0");
    expect(catalog).not.toBeNull();
    expect(findings).toMatchObject([
      {
        severity: "warning",
        code: "UNKNOWN_TEMPLATE",
        line: 1,
        column: 11,
        message: expect.stringContaining("raise-memory"),
      },
    ]);
  });
  it("refuses what is no name", () => {
    expect(revoked("Raise Memory").catalog).toBeNull();
  });
});
