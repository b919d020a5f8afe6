import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { actions } from "../../src/actions/registry.ts";
import { cli } from "./given-cli.ts";

const repository = fileURLToPath(new URL("../../", import.meta.url));
const alert = {
  labels: { alertname: "KubePodCrashLooping", namespace: "shop", pod: "api-0", severity: "warning" },
};

let folder: string;
const put = async (path: string, text: string) => {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), text);
};
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "gitmend-cli-"));
});
afterEach(() => rm(folder, { recursive: true }));

const template = `name: restart
steps:
  - name: restart
    action: {type: kubernetes, action: restart_pod, parameters: {pod: "{{ alert.labels.pod }}", namespace: "{{ alert.namespace }}"}}
`;
const policy = `name: crashes
rules:
  - name: restart
    on: [KubePodCrashLooping]
    event: {type: select-template, params: {template: restart}}
`;
const unknownAction = template.replace("restart_pod", "restart_pdo");

describe("gitmend validate", () => {
  it("accepts what comes with gitmend", async () => {
    expect(await cli(["validate", repository])).toMatchObject({ code: 0, err: "" });
  });

  it("says file, line, column, severity, code and message of each finding, and exits with 2", async () => {
    await put("templates/restart.yaml", unknownAction);
    await put("policies/crashes.yaml", policy);
    const { code, out } = await cli(["validate", folder]);
    expect(code).toBe(2);
    expect(out).toMatch(/templates\/restart\.yaml:4:\d+ error [A-Z_]+ .*restart_pdo/);
    expect(out).toMatch(/\n1 error, 0 warnings in 2 files\n$/);
  });

  it("sorts the findings of all files by position", async () => {
    await put("templates/b.yaml", `${unknownAction}bogus: 1\n`);
    await put("templates/a.yaml", unknownAction.replace("name: restart\n", "name: other\n"));
    const { findings } = JSON.parse((await cli(["validate", folder, "-o", "json"])).out) as {
      findings: { file: string; line: number }[];
    };
    expect(findings.length).toBeGreaterThan(1);
    const places = findings.map(({ file, line }) => `${file}:${String(line).padStart(6, "0")}`);
    expect(places).toEqual(places.toSorted());
  });

  it("speaks GitHub's language, whatever a message holds", async () => {
    await put("templates/re,start.yaml", unknownAction.replace("restart_pdo", '"a%0A::error::b"'));
    const { out } = await cli(["validate", ".", "-o", "github"], { workingFolder: folder });
    const lines = out.trimEnd().split("\n");
    expect(lines[0]).toMatch(/^::error file=templates\/re%2Cstart\.yaml,line=4,col=\d+,title=[A-Z_]+::/);
    expect(lines.every((line) => line.startsWith("::"))).toBe(true);
    expect(out).not.toContain("a%0A");
  });

  it("checks gitmend.yaml beside them", async () => {
    await put("templates/restart.yaml", template);
    await put("gitmend.yaml", "bogus: 1\n");
    const { code, out } = await cli(["validate", folder]);
    expect(code).toBe(2);
    expect(out).toMatch(/gitmend\.yaml:1:1 error [A-Z_]+ .*bogus/);
  });

  it.each([["nothing"], ["a missing folder", "missing"]])(
    "says so when there is %s to check",
    async (_, path = ".") => {
      const { code, err } = await cli(["validate", path], { workingFolder: folder });
      expect([code, err]).toEqual([2, expect.stringContaining("(USAGE)")]);
    },
  );
});

describe("gitmend simulate", () => {
  beforeEach(async () => {
    await put("templates/restart.yaml", template);
    await put("policies/crashes.yaml", policy);
  });
  const simulate = (body: unknown, ...more: string[]) =>
    cli(["simulate", "--alert", "-", ...more], { workingFolder: folder, input: JSON.stringify(body) });

  it("shows match, plan and gate of one alert that is little more than its labels", async () => {
    const { code, out } = await simulate(alert, "--target", "Deployment/api");
    expect(code).toBe(0);
    expect(out).toMatch(/MATCH {4}crashes\/restart -> restart/);
    expect(out).toMatch(/- restart: restart_pod/);
    expect(out).toMatch(/GATE {5}open/);
    expect(out).toMatch(/ASSUMED {2}no cluster was asked/);
  });

  it("reads a payload from a file, every alert of it", async () => {
    const quiet = {
      labels: { alertname: "Unheard", namespace: "shop" },
      status: "firing",
      startsAt: "2026-11-17T10:00:00Z",
    };
    await put("payload.json", JSON.stringify({ version: "4", alerts: [{ ...quiet, ...alert }, quiet] }));
    const { out } = await cli(["simulate", ".", "--alert", "payload.json", "-o", "json"], {
      workingFolder: folder,
    });
    const results = JSON.parse(out) as { selection: { kind: string } }[];
    expect(results.map(({ selection }) => selection.kind)).toEqual(["match", "none"]);
  });

  it("weighs guards on the cluster's labels that it is told", async () => {
    const guard = `name: production
rules:
  - name: two-people
    conditions: {all: [{fact: cluster, path: $.labels.env, operator: equal, value: prod}]}
    event: {type: require-approval, params: {from: [team:sre], approvals: 2, expires: 30m}}
`;
    await put("policies/production.yaml", guard);
    expect((await simulate(alert, "--cluster-label", "env=prod")).out).toMatch(
      /GATE {5}approval: 2 of team:sre/,
    );
    expect((await simulate(alert, "--cluster-label", "env=test")).out).toMatch(/GATE {5}open/);
  });

  it("refuses what is protected, and starts nothing for a resolved alert", async () => {
    const system = { labels: { ...alert.labels, namespace: "kube-system" } };
    expect((await simulate(system)).out).toMatch(/GATE {5}refused\n +- built-in\/protected/);
    const resolved = {
      ...alert,
      status: "resolved",
      startsAt: "2026-11-17T10:00:00Z",
      endsAt: "2026-11-17T10:01:00Z",
    };
    expect((await simulate(resolved)).out).toMatch(/resolved alerts start nothing/);
  });

  it.each([
    ["no JSON", "{"],
    ["an alert that cannot be read", JSON.stringify({ labels: {} })],
    ["another version", JSON.stringify({ version: "3", alerts: [] })],
  ])("says what is wrong with %s", async (_, input) => {
    const { code, err } = await cli(["simulate", "--alert", "-"], { workingFolder: folder, input });
    expect([code, err]).toEqual([2, expect.stringContaining("(PAYLOAD_INVALID)")]);
  });

  it("refuses a catalog with errors", async () => {
    await put("templates/restart.yaml", unknownAction);
    expect(await simulate(alert)).toMatchObject({
      code: 2,
      err: expect.stringContaining("gitmend validate"),
    });
  });
});

describe("the catalogues", () => {
  it("list and show every action", async () => {
    const { out } = await cli(["actions", "list"]);
    for (const { name } of actions) {
      expect(out).toContain(name);
      expect(await cli(["actions", "show", name])).toMatchObject({
        code: 0,
        out: expect.stringContaining("WAY BACK"),
      });
    }
    expect(await cli(["actions", "show", "nope"])).toMatchObject({
      code: 1,
      err: expect.stringContaining("NOT_FOUND"),
    });
  });

  it("give data to programs, without decoration even on a colour terminal", async () => {
    const { out } = await cli(["actions", "show", "scale_deployment", "-o", "json"], { colours: true });
    expect(JSON.parse(out)).toMatchObject({ name: "scale_deployment", rbac: expect.any(Array) });
    const yaml = await cli(["actions", "show", "scale_deployment", "-o", "yaml"], { colours: true });
    expect(parse(yaml.out)).toEqual(JSON.parse(out));
  });

  it("list and show the templates of a folder, else those that come with gitmend", async () => {
    expect((await cli(["templates", "list"])).out).toContain("pod-crash-recovery");
    await put("templates/restart.yaml", template);
    const here = await cli(["templates", "list"], { workingFolder: folder });
    expect(here.out).toContain("restart");
    expect(here.out).not.toContain("pod-crash-recovery");
    expect((await cli(["templates", "show", "restart", "--path", folder])).out).toContain("restart_pod");
    expect(await cli(["templates", "show", "nope"])).toMatchObject({ code: 1 });
  });

  it("show all that a template may do: before, for each subject, at the end, when it fails, and how it is judged", async () => {
    const whole = `name: whole
manual: true
validation: {preconditions: ["target.kind == 'Deployment'"], success: ["target.status.readyReplicas >= 2"]}
steps:
  - {name: each, for_each: subjects, action: {action: restart_pod, parameters: {pod: "{{ subject.name }}"}}}
finally: [{name: tell, action: {action: notify_team, parameters: {message: done}}}]
configuration: {fallback: restart}
effectiveness: {delay: 15m, checks: [{promql: vector(0), expect: value < 0.05}]}
`;
    await put("templates/restart.yaml", template);
    await put("templates/whole.yaml", whole);
    const { out } = await cli(["templates", "show", "whole", "--path", folder]);
    const lines = out.split("\n").map((line) => line.trim());
    expect(lines).toEqual([
      "whole  low risk, at most 15m, cool-down 10m, may be started by hand",
      "",
      "STEPS",
      "before the first step",
      "needs target.kind == 'Deployment'",
      "each, for each subject",
      'restart_pod {"pod":"{{ subject.name }}"}',
      "on failure rollback",
      "after the last step",
      "proves target.status.readyReplicas >= 2",
      "",
      "FINALLY, however it ends",
      "tell",
      'notify_team {"message":"done"}',
      "",
      "AFTERWARDS",
      "restart is tried once if this has failed and was undone",
      "judged 15m after its end: the alert is silent and the target healthy",
      "value < 0.05, where value is vector(0)",
      "",
    ]);
  });
});

describe("the command line", () => {
  it("has help with an example on every command", async () => {
    for (const command of [
      ["run"],
      ["demo"],
      ["validate"],
      ["test"],
      ["simulate"],
      ["executions", "list"],
      ["executions", "show"],
      ["executions", "events"],
      ["executions", "cancel"],
      ["approve"],
      ["reject"],
      ["dead-letters", "list"],
      ["templates", "list"],
      ["templates", "show"],
      ["actions", "list"],
      ["actions", "show"],
      ["version"],
    ]) {
      const { code, out } = await cli([...command, "--help"]);
      expect([command, code, out]).toEqual([
        command,
        0,
        expect.stringContaining(`$ gitmend ${command.join(" ")}`),
      ]);
    }
  });

  it("tells its version", async () => {
    expect((await cli(["version"])).out).toMatch(/^gitmend \d+\.\d+\.\d+ \(Node 2\d/);
    expect(JSON.parse((await cli(["version", "-o", "json"])).out)).toHaveProperty("gitmend");
  });

  it.each([
    [["executions", "lst"], "Did you mean list"],
    [["bogus"], "unknown command"],
    [["executions", "cancel", "abcdef"], "--reason"],
    [["actions", "list", "-o", "xml"], "Allowed choices"],
  ])("answers wrong usage with 2 and a hint: %o", async (args, hint) => {
    const { code, out, err } = await cli(args);
    expect([code, out]).toEqual([2, ""]);
    expect(err).toContain(hint);
  });

  it("colours only where it may", async () => {
    expect((await cli(["actions", "list"], { colours: true })).out).toContain("\u001b[");
    expect((await cli(["actions", "list", "--no-color"], { colours: true })).out).not.toContain("\u001b[");
  });

  it("says where it looked for a configuration that is not there", async () => {
    const { code, err } = await cli(["run", "--config", "nope.yaml"], { workingFolder: folder });
    expect(code).toBe(2);
    expect(err).toContain(join(folder, "nope.yaml"));
  });
});
