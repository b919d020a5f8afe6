// Runs one command for the scripts here. Output is passed through or kept for a summary; a command that hangs is ended,
// and a grandchild that keeps the pipe open cannot hold the script.
import { spawn } from "node:child_process";
import { performance } from "node:perf_hooks";

export interface CommandResult {
  /** Exit code; 124 when the time limit ended it, 127 when it could not be started. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly seconds: number;
}

export interface CommandOptions {
  /** Passes the output through as it comes; it is kept as well. */
  readonly show?: boolean;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly limitSeconds?: number;
}

const pipeGraceMilliseconds = 3_000;

/** Never rejects: what goes wrong is in `code` and `stderr`. */
export function runCommand(
  command: readonly [string, ...string[]],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const [file, ...parameters] = command;
  const start = performance.now();
  const output = { stdout: "", stderr: "" };
  const { promise, resolve } = Promise.withResolvers<CommandResult>();
  const child = spawn(file, parameters, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let limitReached = false;
  const timers = [
    setTimeout(
      () => {
        limitReached = true;
        output.stderr += `\nended after ${options.limitSeconds} s: the time limit\n`;
        child.kill("SIGTERM");
        timers.push(setTimeout(() => child.kill("SIGKILL"), 10_000));
      },
      (options.limitSeconds ?? 1_800) * 1_000,
    ),
  ];
  const finish = (code: number) => {
    for (const timer of timers) clearTimeout(timer);
    child.stdout.destroy();
    child.stderr.destroy();
    resolve({ code: limitReached ? 124 : code, ...output, seconds: (performance.now() - start) / 1_000 });
  };
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream].setEncoding("utf8").on("data", (text: string) => {
      output[stream] += text;
      if (options.show === true) process[stream].write(text);
    });
  }
  child.once("error", (error) => {
    output.stderr += `${file}: ${error.message}\n`;
    finish(127);
  });
  child.once("exit", (code) => timers.push(setTimeout(() => finish(code ?? 1), pipeGraceMilliseconds)));
  child.once("close", (code) => finish(code ?? 1));
  return promise;
}
