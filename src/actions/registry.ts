// The catalogue of actions: one line each. The compiler, the engine, RBAC and the reference are made from it.
import type { Action } from "./action.ts";
import { notifyTeam } from "./custom/notify-team.ts";
import { runArgoWorkflow } from "./engines/run-argo-workflow.ts";
import { runAwxJob } from "./engines/run-awx-job.ts";
import { runJob } from "./engines/run-job.ts";
import { runTektonPipeline } from "./engines/run-tekton-pipeline.ts";
import { gitPatchManifest } from "./git/git-patch-manifest.ts";
import { gitRevertCommit } from "./git/git-revert-commit.ts";
import { reconcileFlux } from "./gitops/reconcile-flux.ts";
import { resumeGitops } from "./gitops/resume-gitops.ts";
import { rollbackHelmRelease } from "./gitops/rollback-helm-release.ts";
import { suspendGitops } from "./gitops/suspend-gitops.ts";
import { syncArgoApplication } from "./gitops/sync-argo-application.ts";
import { checkLogs } from "./kubernetes/check-logs.ts";
import { collectEvents } from "./kubernetes/collect-events.ts";
import { collectLogs } from "./kubernetes/collect-logs.ts";
import { cordonNode } from "./kubernetes/cordon-node.ts";
import { drainNode } from "./kubernetes/drain-node.ts";
import { getPodStatus } from "./kubernetes/get-pod-status.ts";
import { increaseResources } from "./kubernetes/increase-resources.ts";
import { patchResource } from "./kubernetes/patch-resource.ts";
import { recreateClaim } from "./kubernetes/recreate-claim.ts";
import { restartDeployment } from "./kubernetes/restart-deployment.ts";
import { restartPod } from "./kubernetes/restart-pod.ts";
import { restoreRoleBinding } from "./kubernetes/restore-role-binding.ts";
import { rollbackDeployment } from "./kubernetes/rollback-deployment.ts";
import { rollbackPodRestart } from "./kubernetes/rollback-pod-restart.ts";
import { scaleDeployment } from "./kubernetes/scale-deployment.ts";
import { uncordonNode } from "./kubernetes/uncordon-node.ts";
import { untaintNode } from "./kubernetes/untaint-node.ts";
import { checkConditions } from "./monitoring/check-conditions.ts";
import { collectMetrics } from "./monitoring/collect-metrics.ts";
import { validateFields } from "./monitoring/validate-fields.ts";
import { validatePodHealth } from "./monitoring/validate-pod-health.ts";

export const actions: readonly Action[] = [
  getPodStatus,
  collectLogs,
  checkLogs,
  collectEvents,
  restartPod,
  rollbackPodRestart,
  validatePodHealth,
  validateFields,
  checkConditions,
  collectMetrics,
  scaleDeployment,
  rollbackDeployment,
  restartDeployment,
  increaseResources,
  patchResource,
  cordonNode,
  uncordonNode,
  untaintNode,
  drainNode,
  recreateClaim,
  restoreRoleBinding,
  suspendGitops,
  resumeGitops,
  reconcileFlux,
  syncArgoApplication,
  rollbackHelmRelease,
  runJob,
  runArgoWorkflow,
  runTektonPipeline,
  runAwxJob,
  gitPatchManifest,
  gitRevertCommit,
  notifyTeam,
];

/** By its name or one of its aliases, spelt exactly. */
export function findAction(nameOrAlias: string): Action | null {
  return actions.find(({ name, aliases }) => name === nameOrAlias || aliases.includes(nameOrAlias)) ?? null;
}
