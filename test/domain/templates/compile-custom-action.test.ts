import { describe, expect, it } from "vitest";
import { actions } from "../../../src/actions/registry.ts";
import { compileCatalog } from "../../../src/domain/policies/compile-catalog.ts";

const purge = `name: purge_cdn
description: Purges a zone of the CDN.
risk: medium
parameters:
  zone: {type: string, pattern: "^[a-z0-9-]+$"}
  days: {type: integer, default: 7, minimum: 1}
  note: {type: string, default: ""}
text: [note]
http_request:
  endpoint: cdn
  path: /zones/{{ params.zone }}/purges/{{ effect.key }}
  query: {days: "{{ params.days }}"}
  body: {note: "{{ params.note }}"}
probe:
  http_request: {endpoint: cdn, path: "/zones/{{ params.zone }}/purges/{{ effect.key }}"}
  expect: status == 200 && body.note == params.note
undo: {nothing: a purged cache fills itself again}
`;
const reindex = `name: reindex
description: Rebuilds the search index.
risk: low
parameters:
  index: {type: string}
run_job:
  image: registry.example.org/tools:1
  cpu: 100m
  memory: 64Mi
  timeout: 5m
  command: [reindex]
  args: ["$(INDEX)"]
  env: {INDEX: "{{ params.index }}"}
undo:
  run_job: {image: "registry.example.org/tools:1", cpu: 100m, memory: 64Mi, command: [restore], env: {INDEX: "{{ params.index }}"}}
`;
const template = (step: string) => `name: t\nsteps:\n  - name: s\n    action: ${step}\n`;

function compiled(action: string, step = "{action: get_pod_status}") {
  return compileCatalog(
    [
      { path: "actions/a.yaml", text: action },
      { path: "templates/t.yaml", text: template(step) },
    ],
    "r",
    actions,
  );
}
const said = (action: string, step?: string) =>
  compiled(action, step).findings.map(
    ({ file, line, column, severity, code, message }) =>
      `${file}:${line}:${column} ${severity} ${code} ${message}`,
  );

describe("an action of the config repository", () => {
  it("is known to templates by its name, with type custom", () => {
    const step =
      "{type: custom, action: purge_cdn, parameters: {zone: shop, note: '{{ alert.annotations.summary }}'}}";
    const { catalog, findings } = compiled(purge, step);
    expect(findings).toEqual([]);
    const [one] = catalog!.templates.get("t")!.steps;
    expect(one?.call).toMatchObject({ action: "purge_cdn", parameters: { zone: "shop" } });
    expect(catalog!.templates.get("t")!.risk).toBe("medium");
    expect(catalog!.actions.get("purge_cdn")).toMatchObject({
      body: {
        request: { path: ["zones", "{{ params.zone }}", "purges", "{{ effect.key }}"], method: "POST" },
      },
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });

  it("may be a Job with a Job that takes it back", () => {
    expect(said(reindex, "{action: reindex, parameters: {index: products}}")).toEqual([]);
  });

  it.each([
    ["a parameter that is missing", "{action: purge_cdn}", 'MISSING_PARAMETER purge_cdn needs "zone"'],
    [
      "one that it does not have",
      "{action: purge_cdn, parameters: {zone: a, day: 1}}",
      'did you mean "days"',
    ],
    ["a value of another type", "{action: purge_cdn, parameters: {zone: a, days: many}}", "WRONG_TYPE"],
    [
      "free text where a value chooses",
      "{action: purge_cdn, parameters: {zone: '{{ alert.annotations.zone }}'}}",
      "TEXT_CHOOSES",
    ],
    ["a name that is nearly right", "{action: purge_cnd}", 'did you mean "purge_cdn"'],
    ["its way back, which runs as that alone", "{action: reindex/undo}", "UNKNOWN_ACTION"],
  ])("is refused in a template with %s", (_, step, why) => {
    expect(said(purge, step).join("\n")).toMatch(new RegExp(why));
  });

  it.each([
    ["takes a built-in action's name", ["name: purge_cdn", "name: restart_pod"], "1:7 error RESERVED_NAME"],
    ["takes an alias of one", ["name: purge_cdn", "name: delete_pod"], "is gitmend's own action restart_pod"],
    [
      "has both bodies",
      ["undo:", "run_job: {image: x, cpu: 1, memory: 1Gi}\nundo:"],
      "exactly one of run_job and http_request",
    ],
    ["does not say how it is taken back", [/undo:.*\n/, ""], '"undo" is missing'],
    [
      "reads a parameter that it has not",
      ["params.zone }}/purges", "params.zon }}/purges"],
      '11:\\d+ error EXPRESSION .*"zon"; did you mean "zone"',
    ],
    ["reads the alert", ["{{ params.note }}", "{{ alert.name }}"], "error EXPRESSION"],
    [
      "sends a credential of its own",
      ["  body:", '  headers: {authorization: "Bearer x"}\n  body:'],
      'RESERVED_NAME gitmend sends "authorization" itself',
    ],
    ["leads out of its endpoint", ["/zones/", "/../zones/"], "WRONG_VALUE a path holds no"],
    ["pastes a query into the path", ["/zones/", "/zones?all=1&x=/"], "WRONG_VALUE a path holds no"],
    [
      "names an address instead of an endpoint",
      ["endpoint: cdn", "endpoint: https://evil.example"],
      'must look like "cdn"',
    ],
    [
      "lets free text into the path",
      ["{{ params.zone }}/purges/{{ effect", "{{ params.note }}/purges/{{ effect"],
      'TEXT_CHOOSES "note" is free text',
    ],
    [
      "expects what is neither true nor false",
      ["expect: status == 200 && body.note == params.note", "expect: 1 + 1"],
      "EXPRESSION gives integer",
    ],
    [
      "expects something of a parameter that it has not",
      ["== params.note", "== params.nope"],
      'no parameter "nope"',
    ],
    [
      "has a default that its schema refuses",
      ["default: 7", "default: 0"],
      'WRONG_TYPE the default of "days"',
    ],
    ["has a schema that is none", ["type: integer,", "type: inteeger,"], "no JSON Schema"],
    ["misspells a key", ["risk: medium", "risk: medium\nparamters: {}"], 'did you mean "parameters"'],
    ["marks a text that is no parameter", ["text: [note]", "text: [notes]"], 'no parameter "notes"'],
  ] as const)("is refused when it %s", (_, [from, to], why) => {
    expect(said(purge.replace(from, to)).join("\n")).toMatch(new RegExp(why));
    expect(compiled(purge.replace(from, to)).catalog).toBeNull();
  });

  it.each([
    ["command", ["[reindex]", '["reindex", "{{ params.index }}"]'], "LITERAL_ONLY"],
    ["args", ['["$(INDEX)"]', '["{{ params.index }}"]'], "LITERAL_ONLY"],
    ["a parameter that run_job has not", ["cpu: 100m\n", "cpus: 100m\n"], 'did you mean "cpu"'],
    ["no limits", ["  memory: 64Mi\n", ""], 'run_job needs "memory"'],
  ] as const)("is refused when its Job has %s", (_, [from, to], why) => {
    expect(said(reindex.replace(from, to)).join("\n")).toMatch(why);
  });

  it("warns where nobody could tell whether it has happened", () => {
    const blind = purge.replace(/probe:\n.*\n.*\n/, "");
    expect(said(blind)).toEqual([expect.stringMatching(/^actions\/a.yaml:\d+:\d+ warning NO_PROBE /)]);
  });

  it("is there once", () => {
    const files = ["a", "b"].map((name) => ({ path: `actions/${name}.yaml`, text: purge }));
    expect(compileCatalog(files, "r", actions).findings).toMatchObject([
      { code: "DUPLICATE_NAME", file: "actions/b.yaml" },
    ]);
  });
});
