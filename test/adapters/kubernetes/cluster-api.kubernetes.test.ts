// The adapter against the simulated cluster always, and against a real API server where the environment names one.
import { readFile } from "node:fs/promises";
import { describe, it } from "vitest";
import { connectCluster } from "../../../src/adapters/kubernetes/cluster-api.ts";
import { startSimulatedCluster } from "../../../src/simulation/start-simulated-cluster.ts";
import { type ContractSubject, kubernetesApiContract } from "../../contracts/kubernetes-api.ts";
import {
  hasControlPlane,
  howToGetOne,
  rawAdmin,
  startControlPlane,
} from "../../support/kube-control-plane.ts";

function subjectFor(kubeconfigText: string, stop: () => Promise<void>): ContractSubject {
  const connection = connectCluster({ name: "contract", kubeconfigText });
  return {
    cluster: "contract",
    api: (signal) => connection.api(signal),
    version: () => connection.version(),
    admin: rawAdmin(kubeconfigText),
    stop: async () => {
      await connection.close();
      await stop();
    },
  };
}

kubernetesApiContract("the simulated cluster", async () => {
  const simulation = await startSimulatedCluster();
  return subjectFor(simulation.kubeconfig, () => simulation.stop());
});

if (hasControlPlane()) {
  kubernetesApiContract("the real control plane", async () => {
    const plane = await startControlPlane();
    return subjectFor(await readFile(plane.kubeconfigPath, "utf8"), () => plane.stop());
  });
} else {
  describe("the Kubernetes API of the real control plane", () => {
    it("is not here", (context) => context.skip(howToGetOne));
  });
}
