// All actions against the simulated cluster always, and against a real API server where the environment names one.
import { readFile } from "node:fs/promises";
import { describe, it } from "vitest";
import { connectCluster } from "../../src/adapters/kubernetes/cluster-api.ts";
import type { SimulatedCluster } from "../../src/simulation/control.ts";
import { startSimulatedCluster } from "../../src/simulation/start-simulated-cluster.ts";
import { actionContract } from "../contracts/action-contract.ts";
import { hasControlPlane, howToGetOne, rawAdmin, startControlPlane } from "../support/kube-control-plane.ts";
import type { ActionSubject } from "./given-cluster.ts";
import { withinRules, withRole } from "./only-its-verbs.ts";

function subjectFor(
  kubeconfigText: string,
  simulated: SimulatedCluster | null,
  stop: () => Promise<void>,
): ActionSubject {
  const connection = connectCluster({ name: "test", kubeconfigText });
  const admin = rawAdmin(kubeconfigText);
  const never = new AbortController().signal;
  return {
    cluster: "test",
    api: (signal) => connection.api(signal),
    restricted: async ({ name, rbac }) =>
      simulated === null
        ? withRole(name, rbac, kubeconfigText, admin)
        : { api: withinRules(connection.api(never), rbac), close: async () => {} },
    admin,
    simulated,
    stop: async () => {
      await connection.close();
      await stop();
    },
  };
}

actionContract("the simulated cluster", async () => {
  const simulation = await startSimulatedCluster();
  return subjectFor(simulation.kubeconfig, simulation.cluster, () => simulation.stop());
});

if (hasControlPlane()) {
  actionContract("the real control plane", async () => {
    const plane = await startControlPlane();
    return subjectFor(await readFile(plane.kubeconfigPath, "utf8"), null, () => plane.stop());
  });
} else {
  describe("the actions on the real control plane", () => {
    it("are not tried here", (context) => context.skip(howToGetOne));
  });
}
