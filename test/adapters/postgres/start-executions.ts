// Live executions with two events each, owned by the replica that asks.
import type { Database } from "../../../src/adapters/postgres/open-database.ts";
import { delivery, newAlert, newExecution } from "../../contracts/store-samples.ts";

type Stores = Pick<Database, "alerts">;

export async function startExecutions({ alerts }: Stores, count: number): Promise<readonly string[]> {
  const wanted = Array.from({ length: count }, () => newAlert());
  await alerts.receive(delivery(...wanted));
  const ids: string[] = [];
  for (const firing of await alerts.takeDue(count, 600)) {
    const decision = newExecution(firing.alert);
    const { result } = await alerts.decide(firing, decision);
    if (result !== "committed") throw new Error(`the decision was ${result}`);
    ids.push(decision.executionId);
  }
  return ids;
}
