// `gitmend demo`: the command; the story itself is told by ../demo.ts, loaded only then.
import type { Command } from "commander";
import type { CliContext } from "../context.ts";
import { withExample } from "../output.ts";

export function addDemo(program: Command, context: CliContext): void {
  withExample(
    program
      .command("demo")
      .description("the whole loop on this machine: a workload breaks, gitmend repairs it and writes it down")
      .option("--once", "end when the incident is solved; exit code 1 when it is not", false)
      .action((options: { readonly once: boolean }) => demo(options, context)),
    "gitmend demo --once",
  );
}

async function demo({ once }: { readonly once: boolean }, context: CliContext): Promise<void> {
  const stopping = new AbortController();
  const stop = () => stopping.abort();
  process.once("SIGTERM", stop).once("SIGINT", stop);
  const [{ runDemo }, { createLog }] = await Promise.all([import("../demo.ts"), import("../../app.ts")]);
  const code = await runDemo({
    once,
    colours: context.colours,
    columns: context.columns,
    write: context.out,
    log: createLog({ level: "error", pretty: process.stderr.isTTY }),
    signal: stopping.signal,
  });
  context.exitWith(code === 0 ? 0 : 1);
}
