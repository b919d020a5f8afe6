// Where approvals are asked for: the forge of gitmend.yaml, else bare Git. A forge's client is loaded only where it is used.
import { join } from "node:path";
import type { GithubCredential } from "./adapters/forges/github/github-api.ts";
import { openLocalForge } from "./adapters/forges/local/local-forge.ts";
import { type Environment, secretValue } from "./app-settings.ts";
import type { Config } from "./config/read-config.ts";
import type { ChangeForge } from "./controller/change-ports.ts";
import type { Forge, ServerForge } from "./controller/forge-ports.ts";
import type { Clock } from "./controller/ports.ts";
import { Problem, unreachable } from "./domain/problem.ts";

type Approvals = Config["approvals"];
/** `key`: where it stands in gitmend.yaml. */
type ForgeConfig = NonNullable<Approvals["forge"]> & { readonly key: string };

/** @param demo unsigned approvals count on the local forge. @throws Problem CONFIG_INVALID, GIT_REFUSED */
export async function openForge(
  { approvals }: Config,
  environment: Environment,
  dataDir: string,
  clock: Clock,
  demo: boolean,
): Promise<Forge> {
  const { forge, people, repository } = approvals;
  if (forge !== undefined)
    return openServer({ ...forge, key: "approvals.forge" }, accountsOf(people, forge.type), environment);
  return openLocalForge({
    folder: repository ?? join(dataDir, "approvals.git"),
    people: people.map(({ id, signer = null }) => ({ id, signer })),
    unsignedAllowed: demo,
    clock,
  });
}

/** Where repairs are pull requests, by the address of their repository. @throws Problem CONFIG_INVALID */
export async function openSourceForges(
  { approvals, sources }: Config,
  environment: Environment,
): Promise<ReadonlyMap<string, ServerForge>> {
  const forges = new Map<string, ServerForge>();
  for (const [index, { url, forge }] of sources.entries())
    if (forge !== undefined)
      forges.set(
        url,
        await openServer(
          { ...forge, key: `sources[${index}].forge` },
          accountsOf(approvals.people, forge.type),
          environment,
        ),
      );
  return forges;
}

/** Where people propose changes of the config repository; null: nowhere that gitmend looks at. @throws Problem CONFIG_INVALID */
export async function openChangeForge(
  { approvals, config_repository: { pull_requests: repository } }: Config,
  environment: Environment,
): Promise<ChangeForge | null> {
  if (repository === undefined) return null;
  if (approvals.forge === undefined)
    throw new Problem("CONFIG_INVALID", "config_repository.pull_requests needs approvals.forge");
  const forge: ForgeConfig = { ...approvals.forge, key: "approvals.forge" };
  switch (forge.type) {
    case "github": {
      const { githubChanges } = await import("./adapters/forges/github/github-changes.ts");
      return githubChanges(await github(forge, environment), repository);
    }
    case "gitea": {
      const { giteaChanges } = await import("./adapters/forges/gitea/gitea-changes.ts");
      return giteaChanges(await gitea(forge, environment), repository);
    }
    case "gitlab": {
      const { gitlabChanges } = await import("./adapters/forges/gitlab/gitlab-changes.ts");
      return gitlabChanges(await gitlab(forge, environment), repository);
    }
    default:
      return unreachable(forge.type);
  }
}

async function openServer(
  forge: ForgeConfig,
  people: ReadonlyMap<string, string>,
  environment: Environment,
): Promise<ServerForge> {
  const { repository, type, key } = forge;
  if (type !== "gitlab" && repository.split("/").length !== 2)
    throw new Problem("CONFIG_INVALID", `${key}.repository: ${type} has owner/name, not ${repository}`);
  switch (type) {
    case "github": {
      const { githubForge } = await import("./adapters/forges/github/github-forge.ts");
      return githubForge({ api: await github(forge, environment), repository, people });
    }
    case "gitea": {
      const { giteaForge } = await import("./adapters/forges/gitea/gitea-forge.ts");
      return giteaForge({ api: await gitea(forge, environment), repository, people });
    }
    case "gitlab": {
      const { gitlabForge } = await import("./adapters/forges/gitlab/gitlab-forge.ts");
      return gitlabForge({ api: await gitlab(forge, environment), repository, people });
    }
    default:
      return unreachable(type);
  }
}

async function github(forge: ForgeConfig, environment: Environment) {
  const { connectGithub } = await import("./adapters/forges/github/github-api.ts");
  return connectGithub(forge.url, githubCredential(forge, environment));
}

async function gitea(forge: ForgeConfig, environment: Environment) {
  const { connectGitea } = await import("./adapters/forges/gitea/gitea-api.ts");
  return connectGitea(...addressAndToken(forge, environment));
}

async function gitlab(forge: ForgeConfig, environment: Environment) {
  const { connectGitlab } = await import("./adapters/forges/gitlab/gitlab-api.ts");
  return connectGitlab(...addressAndToken(forge, environment));
}

const urlOfGithub = "https://api.github.com";

/** @throws Problem CONFIG_INVALID */
function addressAndToken(
  { key, type, url, token, app }: ForgeConfig,
  environment: Environment,
): readonly [string, string] {
  if (token === undefined || app !== undefined)
    throw new Problem("CONFIG_INVALID", `${key}: ${type} needs a token, and has no app`);
  if (url === urlOfGithub) throw new Problem("CONFIG_INVALID", `${key}.url: say where the API of ${type} is`);
  return [url.replace(/\/+$/, ""), secretValue(token, environment) ?? ""];
}

function githubCredential({ key, token, app }: ForgeConfig, environment: Environment): GithubCredential {
  if ((token === undefined) === (app === undefined))
    throw new Problem("CONFIG_INVALID", `${key} needs either token or app`);
  if (app === undefined) return { kind: "token", token: secretValue(token, environment) ?? "" };
  const privateKey = secretValue(app.private_key, environment) ?? "";
  return { kind: "app", appId: String(app.id), installationId: app.installation, privateKey };
}

/** Person by account of the forge, in small letters. @throws Problem CONFIG_INVALID: two people with one account */
function accountsOf(people: Approvals["people"], type: ForgeConfig["type"]): ReadonlyMap<string, string> {
  const accounts = new Map<string, string>();
  for (const person of people)
    for (const name of person[type] ?? []) {
      const account = name.toLowerCase();
      const other = accounts.get(account);
      if (other !== undefined && other !== person.id)
        throw new Problem(
          "CONFIG_INVALID",
          `approvals.people: ${other} and ${person.id} have the same ${type} account, ${account}`,
        );
      accounts.set(account, person.id);
    }
  return accounts;
}
