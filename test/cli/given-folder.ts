// A folder of files for tests of commands that work on files; removed when the test is over.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

export interface GivenFolder {
  readonly path: string;
  put(file: string, text: string | Buffer): void;
  [Symbol.dispose](): void;
}

export function givenFolder(files: Readonly<Record<string, string>> = {}): GivenFolder {
  const path = mkdtempSync(join(tmpdir(), "gitmend-cli-"));
  const put = (file: string, text: string | Buffer) => {
    mkdirSync(dirname(join(path, file)), { recursive: true });
    writeFileSync(join(path, file), text);
  };
  for (const [file, text] of Object.entries(files)) put(file, text);
  return { path, put, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

/** A crash loop is restarted, in production by two people, at night by nobody, and after three attempts by people. */
export const crashLoops: Readonly<Record<string, string>> = {
  "templates/restart.yaml": `name: restart
parameters:
  grace: {type: integer, default: 30}
steps:
  - name: look
    action: {type: kubernetes, action: get_pod_status, parameters: {pod: "{{ alert.resource }}", namespace: "{{ alert.namespace }}"}}
  - name: restart
    action: {type: kubernetes, action: restart_pod, parameters: {pod: "{{ alert.resource }}", namespace: "{{ alert.namespace }}"}}
`,
  "policies/crash-loops.yaml": `name: crash-loops
rules:
  - name: give-up
    priority: 100
    on: [KubePodCrashLooping]
    when: "history.attempts('24h') >= 3"
    event: {type: escalate, params: {to: sre, severity: critical, message: "{{ alert.labels.pod }} still crashes"}}
  - name: restart
    priority: 50
    on: [KubePodCrashLooping]
    event: {type: select-template, params: {template: restart, parameters: {grace: 10}}}
  - name: two-people
    conditions: {all: [{fact: cluster, path: $.labels.env, operator: equal, value: prod, missing: false}]}
    event: {type: require-approval, params: {from: [team:sre], approvals: 2, expires: 30m}}
  - name: freeze
    when: "now.getMonth() == 11 && now.getDate('Europe/Berlin') == 24"
    event: {type: deny, params: {reason: change freeze}}
`,
};
