// Where approvals are asked for: the forge of gitmend.yaml, else bare Git. A forge's client is loaded only where it is used.
import { join } from "node:path";
import type { GithubCredential } from "./adapters/forges/github/github-api.ts";
import { openLocalForge } from "./adapters/forges/local/local-forge.ts";
import { type Environment, secretValue } from "./app-settings.ts";
import type { Config } from "./config/read-config.ts";
import type { ChangeForge } from "./controller/change-ports.ts";
import type { Forge } from "./controller/forge-ports.ts";
import type { Clock } from "./controller/ports.ts";
import { Problem } from "./domain/problem.ts";

type Approvals = Config["approvals"];
type ForgeConfig = NonNullable<Approvals["forge"]>;

/** @param demo unsigned approvals count on the local forge. @throws Problem CONFIG_INVALID, GIT_REFUSED */
export async function openForge(
  { approvals }: Config,
  environment: Environment,
  dataDir: string,
  clock: Clock,
  demo: boolean,
): Promise<Forge> {
  const { forge, people, repository } = approvals;
  if (forge !== undefined) return openGithub(forge, accountsOf(approvals), environment);
  return openLocalForge({
    folder: repository ?? join(dataDir, "approvals.git"),
    people: people.map(({ id, signer = null }) => ({ id, signer })),
    unsignedAllowed: demo,
    clock,
  });
}

/** Where people propose changes of the config repository; null: nowhere that gitmend looks at. @throws Problem CONFIG_INVALID */
export async function openChangeForge(
  { approvals: { forge }, config_repository: { pull_requests: repository } }: Config,
  environment: Environment,
): Promise<ChangeForge | null> {
  if (repository === undefined) return null;
  if (forge === undefined)
    throw new Problem("CONFIG_INVALID", "config_repository.pull_requests needs approvals.forge");
  const { connectGithub } = await import("./adapters/forges/github/github-api.ts");
  const { githubChanges } = await import("./adapters/forges/github/github-changes.ts");
  return githubChanges(connectGithub(forge.url, githubCredential(forge, environment)), repository);
}

async function openGithub(
  forge: ForgeConfig,
  people: ReadonlyMap<string, string>,
  environment: Environment,
): Promise<Forge> {
  const { connectGithub } = await import("./adapters/forges/github/github-api.ts");
  const { githubForge } = await import("./adapters/forges/github/github-forge.ts");
  const api = connectGithub(forge.url, githubCredential(forge, environment));
  return githubForge({ api, repository: forge.repository, people });
}

function githubCredential({ token, app }: ForgeConfig, environment: Environment): GithubCredential {
  if ((token === undefined) === (app === undefined))
    throw new Problem("CONFIG_INVALID", "approvals.forge needs either token or app");
  if (app === undefined) return { kind: "token", token: secretValue(token, environment) ?? "" };
  const privateKey = secretValue(app.private_key, environment) ?? "";
  return { kind: "app", appId: String(app.id), installationId: app.installation, privateKey };
}

/** Person by account, in small letters. @throws Problem CONFIG_INVALID: two people with one account */
export function accountsOf({ people }: Pick<Approvals, "people">): ReadonlyMap<string, string> {
  const accounts = new Map<string, string>();
  for (const { id, github = [] } of people)
    for (const name of github) {
      const account = name.toLowerCase();
      const other = accounts.get(account);
      if (other !== undefined && other !== id)
        throw new Problem(
          "CONFIG_INVALID",
          `approvals.people: ${other} and ${id} have the same GitHub account, ${account}`,
        );
      accounts.set(account, id);
    }
  return accounts;
}
