// `gitmend setup forge`: what has to be set up on the forge of gitmend.yaml so that people can approve there, and gitmend cannot.
import { type Command, Option } from "commander";
import { Problem } from "../../domain/problem.ts";
import type { CliContext } from "../context.ts";
import { type ForgeSetup, forgeSetups } from "../forge-setup.ts";
import { configOption, loadConfig } from "../load-config.ts";
import { type OutputOptions, outputOption, print, withExample } from "../output.ts";

interface Options extends OutputOptions {
  readonly config?: string;
  readonly type?: keyof typeof forgeSetups;
}

const branch = "gitmend-approvals";

export function addSetup(program: Command, context: CliContext): void {
  const setup = program.command("setup").description("print what has to be set up beside gitmend");
  withExample(
    setup
      .command("forge")
      .description("the least rights of gitmend's account, the protected branch and the webhook")
      .addOption(
        new Option("--type <forge>", "default: approvals.forge of gitmend.yaml").choices(
          Object.keys(forgeSetups),
        ),
      )
      .addOption(configOption())
      .addOption(outputOption())
      .action((options: Options) => setupForge(options, context)),
    "gitmend setup forge --type gitlab",
  );
}

async function setupForge(options: Options, context: CliContext): Promise<void> {
  const { forge } = options.type === undefined ? (await loadConfig(options.config, context)).approvals : {};
  const type = options.type ?? forge?.type;
  if (type === undefined)
    throw new Problem(
      "USAGE",
      "gitmend.yaml has no approvals.forge: approvals are branches of a bare Git repository; or say --type",
    );
  const repository = forge?.repository ?? "the repository for approvals";
  const shown = { type, repository, branch, ...forgeSetups[type] };
  print(context, options, shown, () => text(shown));
}

function text({
  type,
  repository,
  account,
  rights,
  protection,
  webhook,
  guide,
}: ForgeSetup & { readonly type: string; readonly repository: string }): string {
  return [
    `On ${type}, in ${repository}:`,
    "",
    `1. gitmend's account: ${account}. No more than`,
    ...Object.entries(rights).map(([name, value]) => `     ${name}: ${value}`),
    `2. the branch ${branch}, protected:`,
    ...protection.map((rule) => `     ${rule}`),
    `3. a webhook to https://<gitmend>${webhook.path}, JSON, with the secret of ${webhook.secret}, for`,
    ...webhook.events.map((event) => `     ${event}`),
    "",
    `Then: gitmend doctor (it fails when gitmend could merge what it asks for). ${guide}`,
    "",
  ].join("\n");
}
