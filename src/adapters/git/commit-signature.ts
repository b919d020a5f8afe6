// Whether a commit may be believed: git's own SSH verification against a file of allowed signers, read anew each time.
import { access } from "node:fs/promises";
import { Problem } from "../../domain/problem.ts";
import { localProblem } from "./git-problem.ts";
import { runGit } from "./run-git.ts";

const faults: Readonly<Record<string, string>> = {
  N: "it is not signed",
  B: "its signature is wrong",
  U: "its key is not among the allowed signers, or not for that time",
  X: "its signature has expired",
  Y: "its key has expired",
  R: "its key was revoked",
};

/**
 * null: signed with an SSH key by a principal of the file. Otherwise why it does not count.
 * @throws Problem CONFIG_INVALID when the file cannot be read
 */
export async function signatureFault(
  repository: string,
  commit: string,
  allowedSignersFile: string,
): Promise<string | null> {
  await access(allowedSignersFile).catch((error: unknown) => {
    const what = `config_repository.verify.allowed_signers: ${allowedSignersFile} cannot be read`;
    throw new Problem("CONFIG_INVALID", what, { cause: error });
  });
  const verify = ["-c", "gpg.format=ssh", "-c", `gpg.ssh.allowedSignersFile=${allowedSignersFile}`];
  const show = ["log", "--max-count=1", "--format=%G?%x00%GS%x00%GF", commit];
  const result = await runGit(repository, [...verify, ...show]);
  if (result.exitCode !== 0) throw localProblem("the catalog cache", result);
  const [status = "", signer = "", key = ""] = result.stdout.trimEnd().split("\0");
  // An OpenPGP signature can be "good" by a keyring of the machine: only SSH keys have fingerprints of this shape.
  if (status === "G" && signer !== "" && key.startsWith("SHA256:")) return null;
  return faults[status] ?? "its signature cannot be checked";
}
