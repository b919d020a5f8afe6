// Runs the command line in this process with captured output: what a person would see, and the exit code.
import { runCli } from "../../src/cli/run-cli.ts";

export interface CliRun {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface CliSettings {
  readonly environment?: Readonly<Record<string, string>>;
  readonly workingFolder?: string;
  readonly input?: string;
  readonly columns?: number;
  readonly colours?: boolean;
  /** Sees the output as it comes. */
  readonly onOut?: (text: string) => void;
}

export async function cli(args: readonly string[], settings: CliSettings = {}): Promise<CliRun> {
  let out = "";
  let err = "";
  const code = await runCli(args, {
    out: (text) => {
      out += text;
      settings.onOut?.(text);
    },
    err: (text) => {
      err += text;
    },
    isTerminal: true,
    columns: settings.columns ?? 100,
    colours: settings.colours ?? false,
    environment: settings.environment ?? {},
    workingFolder: settings.workingFolder ?? "/nonexistent",
    readStandardInput: async () => settings.input ?? "",
    now: () => "2026-11-17T10:01:35.000Z",
  });
  return { code, out, err };
}
