// The Job that run_job makes: one pod, no more rights than it is given, an end by itself, and gone some time after that.
import { isObject, type Json, type JsonObject } from "../../domain/json.ts";
import { Problem } from "../../domain/problem.ts";
import type { ActionInput } from "../action.ts";
import { secondsOf, textOf } from "../parameters.ts";
import { asText, leastKeptSeconds } from "./new-run.ts";

/** @throws Problem PARAMETER_INVALID */
export function jobSpec(input: ActionInput, podLabels: JsonObject = {}, effectKey = ""): JsonObject {
  refusePasting(input);
  const kept = secondsOf(input, "ttl_after_finished", "1h");
  if (kept < leastKeptSeconds)
    throw new Problem(
      "PARAMETER_INVALID",
      "ttl_after_finished must be 10m or longer: its end has to be seen",
    );
  return {
    backoffLimit: typeof input.backoff_limit === "number" ? input.backoff_limit : 0,
    activeDeadlineSeconds: secondsOf(input, "timeout", "10m"),
    ttlSecondsAfterFinished: kept,
    template: { metadata: { labels: podLabels }, spec: podSpec(input, effectKey) },
  };
}

function podSpec(input: ActionInput, effectKey: string): JsonObject {
  const account = textOf(input, "service_account");
  const restricted = input.security !== "image";
  const user = input.run_as_user;
  return {
    restartPolicy: "Never",
    // Whoever names no account gets no credentials of the cluster either.
    automountServiceAccountToken: account !== null,
    ...(account === null ? {} : { serviceAccountName: account }),
    ...(restricted ? { securityContext: restrictedPod(user) } : {}),
    containers: [
      {
        name: "run",
        image: textOf(input, "image") ?? "",
        ...listOf(input, "command"),
        ...listOf(input, "args"),
        env: [...envOf(input), { name: "GITMEND_EFFECT_KEY", value: effectKey }],
        resources: { limits: { cpu: input.cpu ?? "", memory: input.memory ?? "" } },
        ...(restricted ? { securityContext: restrictedContainer } : {}),
      },
    ],
  };
}

/** The profile `restricted` of the Pod Security Standards. */
function restrictedPod(user: Json | undefined): JsonObject {
  return {
    runAsNonRoot: true,
    ...(typeof user === "number" ? { runAsUser: user } : {}),
    seccompProfile: { type: "RuntimeDefault" },
  };
}

const restrictedContainer: JsonObject = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ["ALL"] },
};

function listOf(input: ActionInput, name: "command" | "args"): JsonObject {
  const value = input[name];
  return Array.isArray(value) && value.length > 0 ? { [name]: value as Json } : {};
}

function envOf(input: ActionInput): readonly JsonObject[] {
  return Object.entries(isObject(input.env) ? input.env : {}).map(([name, value]) => {
    if (!isObject(value)) return { name, value: asText(value) };
    const { secret, key } = value;
    return { name, valueFrom: { secretKeyRef: { name: secret, key } } };
  });
}

/**
 * The API server replaces `$(NAME)` in command and args by the value, which is safe for a program's argument and is not within a
 * script: there a value could end the command and begin another. @throws Problem PARAMETER_INVALID
 */
function refusePasting(input: ActionInput): void {
  const words = [input.command, input.args].flatMap((list) =>
    Array.isArray(list) ? (list as readonly Json[]).map(asText) : [],
  );
  if (!words.some((word) => /^-\w*c$/.test(word))) return;
  const names = Object.keys(isObject(input.env) ? input.env : {});
  const pasted = names.find((name) => words.some((word) => word.includes(`$(${name})`)));
  if (pasted === undefined) return;
  throw new Problem(
    "PARAMETER_INVALID",
    `$(${pasted}) would be pasted into a script: write "$${pasted}", with its quotes, and the shell reads the variable`,
  );
}
