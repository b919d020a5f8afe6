// Real repositories for tests: made, filled, served over http and ssh, thrown away. Never reads the machine's own Git configuration.
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

export const gitEnvironment: Readonly<Record<string, string>> = {
  PATH: process.env["PATH"] ?? "",
  HOME: "/nonexistent",
  LC_ALL: "C",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_AUTHOR_NAME: "test",
  GIT_AUTHOR_EMAIL: "test@example.com",
  GIT_COMMITTER_NAME: "test",
  GIT_COMMITTER_EMAIL: "test@example.com",
};

/** A fresh folder that is removed with `remove()`. */
export function temporaryFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "gitmend-test-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Runs git in a folder and gives its output without the last newline. Throws when it fails. */
export function git(folder: string, args: readonly string[], input?: string | Buffer): string {
  return execFileSync("git", [...args], {
    cwd: folder,
    env: gitEnvironment,
    ...(input === undefined ? {} : { input }),
    stdio: ["pipe", "pipe", "pipe"],
    maxBuffer: 256 * 1024 * 1024,
  })
    .toString("utf8")
    .replace(/\n$/, "");
}

export function bareRepository(path: string, branch = "main"): string {
  mkdirSync(path, { recursive: true });
  git(path, ["init", "--quiet", "--bare", `--initial-branch=${branch}`]);
  return path;
}

export interface WorkCopy {
  readonly folder: string;
  /** Writes files (null removes), commits, pushes to the branch; returns the commit. */
  push(
    files: Readonly<Record<string, string | Buffer | null>>,
    options?: { readonly force?: boolean },
  ): string;
}

/** A clone with a work tree, as a platform engineer has one. */
export function workCopy(folder: string, remote: string, branch = "main"): WorkCopy {
  mkdirSync(folder, { recursive: true });
  git(folder, ["init", "--quiet", `--initial-branch=${branch}`]);
  git(folder, ["remote", "add", "origin", remote]);
  return {
    folder,
    push(files, options = {}) {
      for (const [path, content] of Object.entries(files)) writeWorkFile(join(folder, path), content);
      git(folder, ["add", "--all"]);
      git(folder, ["commit", "--quiet", "--allow-empty", "--message", "change"]);
      git(folder, ["push", "--quiet", ...(options.force ? ["--force"] : []), "origin", `HEAD:${branch}`]);
      return git(folder, ["rev-parse", "HEAD"]);
    },
  };
}

function writeWorkFile(path: string, content: string | Buffer | null): void {
  if (content === null) return rmSync(path, { recursive: true });
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

export interface SshKey {
  readonly privateKeyFile: string;
  /** `ssh-ed25519 AAAA…` */
  readonly publicKey: string;
}

export function sshKey(folder: string, name: string): SshKey {
  mkdirSync(folder, { recursive: true });
  const privateKeyFile = join(folder, name);
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", privateKeyFile]);
  const publicKey = execFileSync("cat", [`${privateKeyFile}.pub`])
    .toString()
    .trim();
  return { privateKeyFile, publicKey: publicKey.split(" ").slice(0, 2).join(" ") };
}

export interface GitServer {
  readonly url: string;
  /** Requests so far, in order: method and path with query. */
  readonly requests: readonly string[];
  /** Arguments of every process that was seen while a request was served: no token may stand in them. */
  readonly arguments: readonly string[];
  close(): Promise<void>;
}

/** `git http-backend` behind a small CGI; every request needs basic authentication with the token when one is given. */
export async function serveGitOverHttp(root: string, token: string | null): Promise<GitServer> {
  const requests: string[] = [];
  const seen: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    seen.push(execFileSync("ps", ["-eo", "args"]).toString());
    const expected = token === null ? null : `Basic ${Buffer.from(`gitmend:${token}`).toString("base64")}`;
    if (expected !== null && request.headers.authorization !== expected) {
      response.writeHead(401, { "www-authenticate": 'Basic realm="test"' }).end();
      return;
    }
    runBackend(root, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    arguments: seen,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

function runBackend(root: string, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? "/", "http://127.0.0.1");
  const backend = spawn("git", ["-c", "http.receivepack=true", "http-backend"], {
    env: {
      ...gitEnvironment,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: "1",
      REQUEST_METHOD: request.method ?? "GET",
      PATH_INFO: url.pathname,
      QUERY_STRING: url.search.slice(1),
      CONTENT_TYPE: request.headers["content-type"] ?? "",
      HTTP_CONTENT_ENCODING: String(request.headers["content-encoding"] ?? ""),
      GIT_PROTOCOL: String(request.headers["git-protocol"] ?? ""),
      REMOTE_ADDR: "127.0.0.1",
    },
  });
  request.pipe(backend.stdin);
  backend.stdin.on("error", () => request.unpipe(backend.stdin));
  const chunks: Buffer[] = [];
  backend.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  backend.on("close", () => answer(Buffer.concat(chunks), response));
}

function answer(output: Buffer, response: ServerResponse): void {
  const end = output.indexOf("\r\n\r\n");
  const headers = output.subarray(0, end).toString().split("\r\n");
  for (const header of headers) {
    const [name = "", value = ""] = header.split(/: (.*)/);
    if (name.toLowerCase() === "status") response.statusCode = Number.parseInt(value, 10);
    else if (name !== "") response.setHeader(name, value);
  }
  response.end(output.subarray(end + 4));
}
