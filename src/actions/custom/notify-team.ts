// notify_team: tells people something, through a configured channel. A message that may have been sent is never sent again.
import type { JsonObject } from "../../domain/json.ts";
import type { Effect, SendEffect } from "../../domain/planning/effect.ts";
import type { ActionInput, ChangeAction } from "../action.ts";
import { objectSchema, outputSchema, textOf } from "../parameters.ts";

export const notifyTeam: ChangeAction = {
  name: "notify_team",
  aliases: ["notify_only"],
  type: "custom",
  summary: "Sends a message to a configured notification channel.",
  risk: "low",
  changes: true,
  idempotent: false,
  input: objectSchema(
    {
      channel: {
        type: "string",
        minLength: 1,
        description: "A channel of gitmend.yaml. Default: the default channel.",
      },
      title: { type: "string", minLength: 1, maxLength: 200, default: "gitmend", description: "One line." },
      message: { type: "string", minLength: 1, maxLength: 10_000, description: "What people should know." },
      severity: { enum: ["info", "warning", "critical"], default: "info", description: "How urgent it is." },
      namespace: { type: "string", description: "What it is about, for people: goes before the title." },
      reason: { type: "string", description: "Why, for people. Goes into the record and nowhere else." },
    },
    ["message"],
  ),
  parameterAliases: { text: "message" },
  identity: ["channel"],
  text: ["title", "message", "reason"],
  output: outputSchema({ channel: { type: "string", description: "The channel that took the message." } }),
  rbac: [],
  undo: { how: "nothing", why: "a message that was sent can't be taken back" },
  timeoutSeconds: 30,
  waitParameter: null,
  objects: () => [],
  preview: (input) => `tell ${textOf(input, "channel") ?? "the default channel"}: ${titleOf(input)}`,
  prepare: async (input): Promise<SendEffect> => ({
    kind: "send",
    channel: textOf(input, "channel") ?? "default",
    message: {
      title: titleOf(input),
      text: textOf(input, "message") ?? "",
      severity: textOf(input, "severity") ?? "info",
    },
  }),
  settle: async (_input, effect: Effect): Promise<JsonObject> => ({
    channel: effect.kind === "send" ? effect.channel : "",
  }),
};

function titleOf(input: ActionInput): string {
  const namespace = textOf(input, "namespace");
  const title = textOf(input, "title") ?? "gitmend";
  return namespace === null ? title : `${namespace}: ${title}`;
}
