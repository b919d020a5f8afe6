// `<data folder>/controller.json`: where the running controller listens and what its API asks for. The controller writes it,
// the command line reads it. Whoever can read it can act as an operator: mode 0600, and never half written.
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Problem } from "../domain/problem.ts";

export interface ControllerAddress {
  readonly url: string;
  readonly token: string;
}

/** Replaces the file in one step. Makes the folder when it is missing. */
export async function writeControllerFile(dataFolder: string, address: ControllerAddress): Promise<void> {
  await mkdir(dataFolder, { recursive: true, mode: 0o700 });
  const draft = join(dataFolder, `controller.json.${process.pid}`);
  await writeFile(draft, `${JSON.stringify(address, null, 2)}\n`, { mode: 0o600 });
  await rename(draft, join(dataFolder, "controller.json"));
}

/** null when there is no such file. @throws Problem CONTROLLER_UNREACHABLE when it cannot be used. */
export async function readControllerFile(dataFolder: string): Promise<ControllerAddress | null> {
  const path = join(dataFolder, "controller.json");
  try {
    const content: unknown = JSON.parse(await readFile(path, "utf8"));
    if (isAddress(content)) return { url: content.url, token: content.token };
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw new Problem("CONTROLLER_UNREACHABLE", `${path} cannot be read`, { cause: error });
  }
  throw new Problem("CONTROLLER_UNREACHABLE", `${path} does not hold the url and token of a controller`);
}

function isAddress(content: unknown): content is ControllerAddress {
  return (
    typeof content === "object" &&
    content !== null &&
    "url" in content &&
    typeof content.url === "string" &&
    "token" in content &&
    typeof content.token === "string"
  );
}
