// `npm run test:chaos [-- --seed N --executions 600 --seconds 120 --replicas 3]`: everything around real replicas fails.
// `npm run test:chaos -- --runs 2000`: incidents while API calls fail at random, judged by the cluster.
import { parseArgs } from "node:util";
import { runChaos } from "./chaos-run.ts";
import { playRuns } from "./oracle-runs.ts";
import { complaintOf, meetsDemands, summarise, summaryText } from "./summary.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    executions: { type: "string", default: "600" },
    seconds: { type: "string", default: "120" },
    replicas: { type: "string", default: "3" },
    runs: { type: "string" },
    "at-a-time": { type: "string", default: "16" },
    story: { type: "boolean", default: false },
  },
});
const mostTakeoverSeconds = 5;
const seed = Number(values.seed);
console.log(`seed ${seed}: the same faults again with --seed ${seed}`);
const good = values.runs === undefined ? await chaos() : await runs(Number(values.runs));
// Whoever was killed in this process left timers behind, as it must.
process.exit(good ? 0 : 1);

async function chaos(): Promise<boolean> {
  const { complaints, takeoverSeconds, outcomes, faults } = await runChaos({
    seed,
    replicas: Number(values.replicas),
    executions: Number(values.executions),
    seconds: Number(values.seconds),
    say: (line) => console.log(line),
  });
  const slow = takeoverSeconds.filter((seconds) => !(seconds < mostTakeoverSeconds));
  const all = [...complaints, ...slow.map((seconds) => `a takeover took ${seconds.toFixed(2)} s`)];
  console.log(`${faults.length} faults; outcomes ${JSON.stringify(outcomes)}`);
  console.log(
    `takeovers: ${takeoverSeconds.map((seconds) => `${seconds.toFixed(2)} s`).join(", ") || "none"}`,
  );
  for (const complaint of all) console.log(`FAILED ${complaint}`);
  console.log(
    all.length === 0 ? "nothing lost, nothing twice, every chain intact" : `${all.length} complaints`,
  );
  return all.length === 0;
}

async function runs(count: number): Promise<boolean> {
  let done = 0;
  const verdicts = await playRuns({
    runs: count,
    seed,
    faultShare: 0.05,
    atATime: Number(values["at-a-time"]),
    onRun: (verdict) => {
      done += 1;
      const complaint = complaintOf(verdict);
      if (complaint !== "") console.log(complaint);
      if (complaint !== "" && values.story)
        console.log(verdict.story.map((line) => `    ${line}`).join("\n"));
      if (done % 100 === 0) console.log(`${done} runs`);
    },
  });
  const summary = summarise(verdicts);
  console.log(summaryText(summary));
  return meetsDemands(summary);
}
