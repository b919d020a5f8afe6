// Where the process begins: hands the command line to the terminal it runs in, and leaves its exit code.
import { text } from "node:stream/consumers";
import { runCli } from "./cli/run-cli.ts";

const { env, stdout, stderr, stdin } = process;
const noColour = env["NO_COLOR"] !== undefined && env["NO_COLOR"] !== "";
// A reader that has seen enough (`| head`) is no error.
stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

const code = await runCli(process.argv.slice(2), {
  out: (output) => void stdout.write(output),
  err: (output) => void stderr.write(output),
  isTerminal: stdout.isTTY,
  columns: stdout.isTTY ? stdout.columns : 80,
  colours: stdout.isTTY && !noColour,
  environment: env,
  workingFolder: process.cwd(),
  readStandardInput: () => text(stdin),
  now: () => new Date().toISOString(),
});

// What a failed command left open (a connection, a child) must not keep the process alive; what it wrote goes out first.
stdout.write("", () => stderr.write("", () => process.exit(code)));
