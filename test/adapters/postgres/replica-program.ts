// A replica as a process of its own, for tests that kill or stop it. Usage: replica-program.ts <address as JSON> <executions> <mode>.
// Prints one JSON line a fact. Modes: `append` appends to all its executions for ever; `receive` receives alerts for ever;
// `freeze` stops itself with SIGSTOP and says what it sees first when it is continued; `leave` does nothing more, nor closes anything.
import { type DatabaseAddress, openDatabase } from "../../../src/adapters/postgres/open-database.ts";
import { toProblem } from "../../../src/domain/problem.ts";
import { append, delivery, newAlert } from "../../contracts/store-samples.ts";
import { startExecutions } from "./start-executions.ts";

const [address = "", count = "0", mode = ""] = process.argv.slice(2);
const say = (fact: object) => process.stdout.write(`${JSON.stringify(fact)}\n`);

const database = await openDatabase(JSON.parse(address) as DatabaseAddress);
const ids = await startExecutions(database, Number(count));
say({ ready: ids, replica: database.lease.replicaId() });

async function appendForEver(id: string): Promise<void> {
  for (let version = 2; ; version += 1) {
    await database.executions.append(append(id, version));
    say({ id, version: version + 1 });
  }
}

async function receiveForEver(): Promise<void> {
  for (;;) {
    const alerts = Array.from({ length: 20 }, () => newAlert());
    await database.alerts.receive(delivery(...alerts));
    say({ accepted: alerts.map(({ fingerprint }) => fingerprint) });
  }
}

async function freeze(): Promise<void> {
  const before = database.lease.replicaId();
  let lost = 0;
  database.lease.onLost(() => (lost += 1));
  const [id = ""] = ids;
  say({ freezing: true });
  process.kill(process.pid, "SIGSTOP");
  const valid = database.lease.valid();
  const code = await database.executions.append(append(id, 2)).then(
    () => "appended",
    (error: unknown) => toProblem(error).code,
  );
  while (!database.lease.valid()) await new Promise((resolve) => setTimeout(resolve, 20));
  say({ valid, code, lost, renamed: database.lease.replicaId() !== before });
  await database.close();
}

if (mode === "append") await Promise.all(ids.map(appendForEver));
else if (mode === "receive") await receiveForEver();
else if (mode === "freeze") await freeze();
