// Runs the git binary, always the same way: no configuration of the machine or the user, no terminal, a time limit on
// silence, the repository named explicitly so that git never walks up into somebody else's. Exit codes are answers here;
// what they mean is said by the caller (see git-problem.ts).
import { type SimpleGit, simpleGit } from "simple-git";

export interface GitResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface GitOptions {
  /** Written to standard input. */
  readonly input?: string;
  /** Added to the environment; the only way for secrets. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Ends git when it says nothing for so long. Default 60. */
  readonly silenceSeconds?: number;
  /** Let git look for the repository around the folder: a person's, never one of gitmend's own. */
  readonly discover?: boolean;
}

const inherited = ["PATH", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "SSH_AUTH_SOCK"];
const proxies = [
  "http_proxy",
  "https_proxy",
  "HTTPS_PROXY",
  "all_proxy",
  "ALL_PROXY",
  "no_proxy",
  "NO_PROXY",
];

/**
 * @param folder the bare repository (or one in a repository, with `discover`); it must exist (an empty folder for `init`)
 * @throws Error when git cannot be started, says nothing for `silenceSeconds`, or a simple-git guard refuses an argument
 */
export async function runGit(
  folder: string,
  args: readonly string[],
  options: GitOptions = {},
): Promise<GitResult> {
  const repository = options.discover === true ? {} : { GIT_DIR: folder };
  const environment = { ...baseEnvironment(), ...repository, ...options.environment };
  let exitCode = 0;
  let stderr = "";
  const git = configuredGit(folder, environment, options, (result) => {
    exitCode = result.exitCode;
    stderr = Buffer.concat(result.stdErr).toString("utf8");
  });
  const stdout = await git.env(environment).raw([...args]);
  return { exitCode, stdout, stderr };
}

function configuredGit(
  folder: string,
  environment: Readonly<Record<string, string>>,
  options: GitOptions,
  onResult: (result: { exitCode: number; stdErr: Buffer[] }) => void,
): SimpleGit {
  const { input, silenceSeconds = 60 } = options;
  return simpleGit({
    baseDir: folder,
    timeout: { block: silenceSeconds * 1000 },
    // GIT_* must be named one by one, and these are dangerous only in the hands of whoever can choose their values: nobody here.
    allowEnvironment: Object.keys(environment).filter((name) => name.startsWith("GIT_")),
    unsafe: { allowUnsafeAskPass: true, allowUnsafeConfigPaths: true, allowUnsafeSshCommand: true },
    ...(input === undefined ? {} : { input: () => input }),
    errors: (_error, result) => {
      onResult(result);
      return (result as { rejection?: Error }).rejection;
    },
  });
}

function baseEnvironment(): Record<string, string> {
  const environment: Record<string, string> = {
    HOME: "/nonexistent",
    LC_ALL: "C",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_TERMINAL_PROMPT: "0",
    GIT_OPTIONAL_LOCKS: "0",
    // Whoever may push may push refs/replace/… too, and then an object would not be what its id says.
    GIT_NO_REPLACE_OBJECTS: "1",
  };
  for (const name of [...inherited, ...proxies]) {
    const value = process.env[name];
    if (value !== undefined) environment[name] = value;
  }
  return environment;
}
