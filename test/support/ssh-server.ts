// An SSH server for Git on a free loopback port. A file that imports this needs Debian's openssh-server.
import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer as createTcpServer } from "node:net";
import { userInfo } from "node:os";
import { join } from "node:path";
import { type SshKey, sshKey } from "./git.ts";

export interface SshServer {
  readonly url: string;
  readonly knownHostsFile: string;
  close(): void;
}

/** Debian's `openssh-server` on a free loopback port, for the user that runs the test. */
export async function serveGitOverSsh(folder: string, authorized: SshKey): Promise<SshServer> {
  if (!existsSync("/usr/sbin/sshd"))
    throw new Error("this test needs an SSH server: apt-get install openssh-server");
  mkdirSync("/run/sshd", { recursive: true });
  chmodSync(folder, 0o755);
  const host = sshKey(folder, "host");
  writeFileSync(join(folder, "authorized_keys"), `${authorized.publicKey}\n`, { mode: 0o600 });
  const port = await freePort();
  const config = [
    `Port ${port}`,
    "ListenAddress 127.0.0.1",
    `HostKey ${host.privateKeyFile}`,
    `AuthorizedKeysFile ${join(folder, "authorized_keys")}`,
    `PidFile ${join(folder, "sshd.pid")}`,
    "PasswordAuthentication no",
    "PermitRootLogin prohibit-password",
    "StrictModes no",
    "UsePAM no",
  ].join("\n");
  writeFileSync(join(folder, "sshd_config"), `${config}\n`);
  const server = spawn("/usr/sbin/sshd", ["-D", "-e", "-f", join(folder, "sshd_config")], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  await listening(server.stderr);
  const knownHostsFile = join(folder, "known_hosts");
  writeFileSync(knownHostsFile, `[127.0.0.1]:${port} ${host.publicKey}\n`);
  return {
    url: `ssh://${userInfo().username}@127.0.0.1:${port}`,
    knownHostsFile,
    close: () => server.kill("SIGTERM"),
  };
}

async function listening(stderr: NodeJS.ReadableStream): Promise<void> {
  let said = "";
  for await (const chunk of stderr) {
    said += String(chunk);
    if (said.includes("Server listening")) break;
  }
  if (!said.includes("Server listening")) throw new Error(`sshd did not start: ${said}`);
}

async function freePort(): Promise<number> {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}
