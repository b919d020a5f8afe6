// Which credentials a call has a use for: endpoints of gitmend.yaml, and Kubernetes Secrets that a Job or a pipeline gets by name.
import { isObject, type Json } from "../json.ts";
import type { CustomAction, CustomBody } from "./custom-action.ts";

type Values = Readonly<Record<string, Json>>;

/** @param custom the catalog's own action of this name; null: it is a built-in one. Names may still hold `{{ }}`. */
export function secretNames(action: string, values: Values, custom: CustomAction | null): readonly string[] {
  if (custom !== null) return ofCustom(custom);
  if (action !== "run_awx_job") return ofWork(values);
  const { server = "awx" } = values;
  return typeof server === "string" ? [server] : [];
}

/** Its way back and its probe too. */
export function ofCustom({ body, undo, probe }: CustomAction): readonly string[] {
  return [
    ...ofBody(body),
    ...("nothing" in undo ? [] : ofBody(undo)),
    ...(probe !== null && "request" in probe ? [probe.request.endpoint] : []),
  ];
}

function ofBody(body: CustomBody): readonly string[] {
  return "job" in body ? ofWork(body.job as Values) : [body.request.endpoint];
}

/** `env` of a Job, `workspaces` of a pipeline: `{secret: name}` among their values. */
function ofWork({ env, workspaces }: Values): readonly string[] {
  return [env, workspaces].flatMap((values) =>
    isObject(values)
      ? Object.values(values).flatMap((value) =>
          isObject(value) && typeof value["secret"] === "string" ? [value["secret"]] : [],
        )
      : [],
  );
}
