// The repositories that repairs may touch, as gitmend.yaml says: their credentials, and which value in which file makes a field.
import { folderOf } from "./actions/git/propose-branch.ts";
import type { Source } from "./adapters/git/source-repositories.ts";
import { openSourceForges } from "./app-forge.ts";
import { type Environment, gitCredential } from "./app-settings.ts";
import type { Config } from "./config/read-config.ts";

/** @throws Problem CONFIG_INVALID: a credential is not there */
export async function gitSources(config: Config, environment: Environment): Promise<readonly Source[]> {
  const forges = await openSourceForges(config, environment);
  return config.sources.map(({ url, credential, namespaces, values }) => ({
    url,
    credential: gitCredential(credential, environment),
    namespaces: namespaces ?? null,
    forge: forges.get(url) ?? null,
    values: values.map((entry) => ({
      ...entry,
      path: folderOf(entry.path),
      file: folderOf(entry.file),
      namespaces: entry.namespaces ?? null,
      at: typeof entry.at === "string" ? entry.at : { ...entry.at, digest: entry.at.digest ?? null },
    })),
  }));
}
