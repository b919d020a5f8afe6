import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import {
  approvalBranch,
  approvalLine,
  approvalPath,
  rejectionLine,
  renderApprovalFile,
} from "../../../src/domain/gate/approval-file.ts";
import { renderRequestBody } from "../../../src/domain/gate/request-body.ts";
import { alert, approvalGate, approvedByTwo, plan, previews } from "../../fixtures/executions.ts";

const { executionId } = approvedByTwo;
const input = {
  executionId,
  incident: "i1",
  alert,
  match: { rule: "crash-loops/roll-back", reasons: ["alert.name is KubePodCrashLooping"] },
  revision: "main@sha1:0",
  plan,
  previews,
  gate: approvalGate,
  expiresAt: "2026-11-17T10:30:00.000Z",
};

describe("the file that people approve", () => {
  it("says whose power is used, and as whom", () => {
    const runAs = { user: "shop-bot", groups: ["shop"] };
    const power = {
      clusters: ["prod-*"],
      actions: ["*"],
      uses: ["shop-ci"],
      maxRisk: "high",
      runAs,
    } as const;
    const scopes = [{ ...power, path: "teams/shop", namespaces: ["shop"] }];
    const text = renderApprovalFile({ ...input, plan: { ...plan, scopes } });
    expect(text).toContain(
      "#       Within scope teams/shop: namespaces shop of clusters prod-*; as user shop-bot (shop)",
    );
    expect(parse(text)).toMatchObject({ plan: { scopes: [{ uses: ["shop-ci"], runAs }] } });
  });

  it("says from when on others may approve too, and nothing that time changes", () => {
    const demand = { from: ["team:sre"], approvals: 2 };
    const next = [{ afterSeconds: 600, from: ["team:platform"] }];
    const gate = { ...approvalGate, demands: [{ ...demand, next }] };
    const text = renderApprovalFile({ ...input, gate });
    expect(text).toContain(
      "# Risk high. Needs 2 of team:sre (from 10:10 UTC on also of team:platform), until 2026-11-17 10:30 UTC",
    );
    expect(parse(text)).toMatchObject({ digest: plan.digest, needs: [{ ...demand, next }] });
    expect(renderRequestBody({ ...input, gate })).toContain("from 10:10 UTC on also of team:platform");
  });

  it("asks, and says why, what, and what if it fails, in the first screen", () => {
    const words = renderApprovalFile(input).split("\n\n")[0]!.split("\n");
    expect(words.length).toBeLessThan(40);
    expect(words.every((line) => line.startsWith("#"))).toBe(true);
    expect(words.slice(0, 5)).toEqual([
      "# May gitmend run rollback-workload on prod-eu/shop/deploy/api?",
      "# Risk high. Needs 2 of team:sre, until 2026-11-17 10:30 UTC; without them nothing runs.",
      "#",
      "#   yes:  gitmend approve 0000000000e3",
      '#   no:   gitmend reject 0000000000e3 --reason "..."',
    ]);
    expect(words).toContain(
      '#         - spec.template.spec.containers[api].image: "registry.example.com/shop/api:1.5.0"',
    );
    expect(words).toContain("#         + spec.replicas: 4");
    expect(words).toContain("#         roll-back: what it wrote is put back to what it was before");
  });

  it("says what would be refused as it stands now: people approve nothing that cannot be done", () => {
    const refused = "ResourceQuota shop/small leaves 0 of 4 pods";
    const told = previews.map((preview) => ({ ...preview, refused }));
    expect(renderApprovalFile({ ...input, previews: told })).toContain(
      `#       ${previews[0]?.step} would be refused as it stands now: ${refused}`,
    );
  });

  it("holds the plan as data, and ends where approvals are added", () => {
    const text = renderApprovalFile(input);
    expect(parse(text)).toMatchObject({
      execution: executionId,
      digest: plan.digest,
      needs: approvalGate.demands,
      approvals: null,
    });
    expect(text.endsWith("\napprovals:\n")).toBe(true);
    const line = approvalLine({ by: "ana", at: "2026-11-17T10:05:00.000Z", head: "abc" });
    expect(parse(text + line + line).approvals).toHaveLength(2);
    const rejected = rejectionLine({ by: "ben", at: "t", head: "abc", reason: 'no\napprovals: [] "quoted"' });
    expect(parse(text + line + rejected)).toMatchObject({
      approvals: [{ by: "ana" }],
      rejected: { by: "ben", reason: 'no approvals: [] "quoted"' },
    });
  });

  it("shows no secret", () => {
    const text = renderApprovalFile(input);
    expect(text).not.toContain("hunter2");
    expect(text).toContain("[redacted]");
  });

  it("cannot be steered by what an alert says", () => {
    const evil = "x\napprovals:\n  - {by: ana}\n# Risk low.\u2028 y";
    const text = renderApprovalFile({
      ...input,
      alert: {
        ...alert,
        name: evil,
        severity: evil,
        annotations: { summary: evil },
        labels: { [evil]: evil },
      },
    });
    expect(parse(text).approvals).toBeNull();
    expect(text.match(/^approvals:/gm)).toHaveLength(1);
    expect(text.match(/^# Risk/gm)).toHaveLength(1);
    expect(parse(text).alert.labels).toEqual({ [evil]: evil });
  });

  it("is the same text for the same plan, on a branch that is named from what is random in the id", () => {
    expect(renderApprovalFile(input)).toBe(renderApprovalFile(structuredClone(input)));
    expect([approvalBranch(executionId), approvalPath(executionId)]).toEqual([
      "gitmend/0000000000e3",
      `approvals/${executionId}.yaml`,
    ]);
  });

  it("says when the diff is only an estimate, and what cannot be taken back", () => {
    const estimated = previews.map((preview) => ({ ...preview, source: "estimated" as const }));
    const steps = plan.steps.map((step) => ({
      ...step,
      undo: { how: "nothing" as const, why: "the pod is gone" },
    }));
    const text = renderApprovalFile({ ...input, previews: estimated, plan: { ...plan, steps } });
    expect(text).toContain("estimated, not confirmed by the API server");
    expect(text).toContain("cannot be taken back: the pod is gone");
  });
});
