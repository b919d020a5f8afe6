// A remote repository and how to get in: which URLs are allowed, and the credential as environment, never as arguments.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Problem } from "../../domain/problem.ts";

/** Values, not references: whoever reads `gitmend.yaml` has looked them up. */
export type GitCredential =
  | { readonly kind: "token"; readonly username: string; readonly token: string }
  | { readonly kind: "ssh"; readonly privateKeyFile: string; readonly knownHostsFile: string };

export interface GitRemote {
  readonly url: string;
  readonly credential: GitCredential | null;
}

// Answers git's question only when it is about the host that the token is for: a redirect elsewhere gets nothing.
const askPass = `#!/bin/sh
case "$1" in
  *"//$GITMEND_GIT_HOST': " | *"@$GITMEND_GIT_HOST': ") ;;
  *) exit 1 ;;
esac
case "$1" in
  Username*) printf '%s\\n' "$GITMEND_GIT_USERNAME" ;;
  *) printf '%s\\n' "$GITMEND_GIT_TOKEN" ;;
esac
`;

/** @throws Problem CONFIG_INVALID: not a path, file, http(s), ssh URL; a password in the URL; a token over plain http to another machine. */
export function checkRemote({ url, credential }: GitRemote): void {
  const invalid = (why: string): Problem =>
    new Problem("CONFIG_INVALID", `Git URL "${withoutPassword(url)}": ${why}`);
  if (url.startsWith("-") || /[\0-\x1f]/.test(url) || url === "") throw invalid("not a URL");
  if (!url.includes("://")) {
    if (url.includes("::")) throw invalid("remote helpers are not allowed");
    return;
  }
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed === null || !["file:", "http:", "https:", "ssh:"].includes(parsed.protocol)) {
    throw invalid("use a path, file://, https://, ssh:// or user@host:path");
  }
  if (parsed.password !== "") throw invalid("a URL must not hold a password: use a credential");
  const loopback = ["127.0.0.1", "localhost", "[::1]"].includes(parsed.hostname);
  if (credential?.kind === "token" && parsed.protocol === "http:" && !loopback) {
    throw invalid("a token is not sent over plain http: use https");
  }
}

/** Environment of git calls that talk to the remote. Writes the askpass script below `folder`. */
export async function remoteEnvironment(remote: GitRemote, folder: string): Promise<Record<string, string>> {
  const { credential, url } = remote;
  if (credential === null) return { GIT_SSH_COMMAND: "ssh -o BatchMode=yes -o ConnectTimeout=15" };
  if (credential.kind === "ssh") return { GIT_SSH_COMMAND: sshCommand(credential) };
  await mkdir(folder, { recursive: true });
  const script = join(folder, "askpass.sh");
  await writeFile(script, askPass, { mode: 0o700 });
  return {
    GIT_ASKPASS: script,
    GITMEND_GIT_HOST: URL.canParse(url) ? new URL(url).host : "",
    GITMEND_GIT_USERNAME: credential.username,
    GITMEND_GIT_TOKEN: credential.token,
  };
}

function sshCommand({ privateKeyFile, knownHostsFile }: Extract<GitCredential, { kind: "ssh" }>): string {
  const options = [
    "BatchMode=yes",
    "ConnectTimeout=15",
    "IdentitiesOnly=yes",
    "IdentityAgent=none",
    "StrictHostKeyChecking=yes",
    "GlobalKnownHostsFile=/dev/null",
    `UserKnownHostsFile="${knownHostsFile}"`,
  ];
  return [
    "ssh -F /dev/null",
    ...options.map((option) => `-o ${quoted(option)}`),
    `-i ${quoted(privateKeyFile)}`,
  ].join(" ");
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** For messages and logs. */
export function withoutPassword(url: string): string {
  return url.replace(/^([a-z+]+:\/\/)[^/@]*@/i, "$1");
}
