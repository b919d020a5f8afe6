// SSH signatures of texts (`ssh-keygen -Y`): made with a person's key or their agent, checked against the keys that are known of them.
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Problem } from "../domain/problem.ts";

const verifySeconds = 10;
/** A person types a passphrase, or touches a key. */
const signSeconds = 120;
const longestOutput = 64 * 1024;

/**
 * @param key file of a private key, or of a public one whose private key the agent has
 * @returns the armored signature
 * @throws Problem APPROVAL_INVALID: why there is none
 */
export async function signText(text: string, key: string, namespace: string): Promise<string> {
  const { exitCode, stdout, stderr } = await run(
    ["-Y", "sign", "-f", key, "-n", namespace],
    text,
    signSeconds,
  );
  if (exitCode === 0 && stdout.startsWith("-----BEGIN SSH SIGNATURE-----")) return stdout;
  throw new Problem("APPROVAL_INVALID", `it cannot be signed with ${key}: ${lastLine(stderr)}`);
}

/**
 * Whether `person` has signed this text for this namespace.
 * @param signers text of an allowed_signers file
 * @throws Problem INTERNAL: ssh-keygen cannot be run
 */
export async function hasSigned(
  person: string,
  text: string,
  signature: string,
  { signers, namespace }: { readonly signers: string; readonly namespace: string },
): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), "gitmend-signature-"));
  try {
    const [signersFile, signatureFile] = [join(folder, "signers"), join(folder, "signature")];
    await writeFile(signersFile, signers, { mode: 0o600 });
    await writeFile(signatureFile, signature, { mode: 0o600 });
    const who = ["-I", person, "-n", namespace, "-f", signersFile, "-s", signatureFile];
    return (await run(["-Y", "verify", ...who], text, verifySeconds)).exitCode === 0;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Answer {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A passphrase is asked for on the terminal itself. */
async function run(args: readonly string[], input: string, seconds: number): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const child = spawn("ssh-keygen", args, { stdio: ["pipe", "pipe", "pipe"], timeout: seconds * 1000 });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (stdout += chunk.slice(0, longestOutput)));
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (stderr += chunk.slice(0, longestOutput)));
  child.on("error", (error) => reject(new Problem("INTERNAL", "ssh-keygen cannot be run", { cause: error })));
  child.on("close", (exitCode) => resolve({ exitCode, stdout, stderr }));
  // It may refuse without having read.
  child.stdin.on("error", () => undefined);
  child.stdin.end(input);
  return await promise;
}

function lastLine(stderr: string): string {
  return stderr.trim().split("\n").at(-1)?.trim() || "ssh-keygen does not say why";
}
