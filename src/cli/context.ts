// What a command gets from outside: where it writes, what it reads, and the exit code that it leaves.
// 0 done, 1 failed, 2 findings or wrong usage.

export type ExitCode = 0 | 1 | 2;

export interface CliContext {
  /** Standard output: what was asked for. */
  readonly out: (text: string) => void;
  /** Standard error: what went wrong, progress. */
  readonly err: (text: string) => void;
  /** Standard output is a terminal: lines have to fit. */
  readonly isTerminal: boolean;
  /** Of the terminal; 80 where there is none. */
  readonly columns: number;
  readonly colours: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly workingFolder: string;
  readonly readStandardInput: () => Promise<string>;
  /** ISO 8601, UTC: for ages on screens only. */
  readonly now: () => string;
  readonly exitWith: (code: ExitCode) => void;
}
