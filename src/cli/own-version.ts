// The version of gitmend that runs. package.json stands beside src/ and beside dist/.
import { readFile } from "node:fs/promises";

export async function ownVersion(): Promise<string> {
  const text = await readFile(new URL("../../package.json", import.meta.url), "utf8");
  const { version } = JSON.parse(text) as { readonly version: string };
  return version;
}
