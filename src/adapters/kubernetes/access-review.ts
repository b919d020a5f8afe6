// Asks the API server whether gitmend's own account may do something (SelfSubjectAccessReview). Every account may ask.
import type { AccessQuestion } from "../../controller/rbac-in-use.ts";
import { isObject } from "../../domain/json.ts";
import { Problem } from "../../domain/problem.ts";
import { type ApiRequest, sendRead, type Transport } from "./send-request.ts";

/** @throws Problem API_* */
export async function mayDo(
  transport: Transport,
  { verb, apiGroup, resource: named, namespace, name = "" }: AccessQuestion,
  signal: AbortSignal,
): Promise<boolean> {
  const [resource = "", subresource = ""] = named.split("/");
  const resourceAttributes = {
    verb,
    group: apiGroup,
    resource,
    subresource,
    namespace: namespace ?? "",
    name,
  };
  const request: ApiRequest = {
    what: `ask whether it may ${verb} ${named}`,
    method: "POST",
    path: "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
    body: {
      contentType: "application/json",
      text: JSON.stringify({
        apiVersion: "authorization.k8s.io/v1",
        kind: "SelfSubjectAccessReview",
        spec: { resourceAttributes },
      }),
    },
  };
  const { body } = await sendRead(transport, request, signal);
  return isAllowed(request.what, body);
}

function isAllowed(what: string, body: string): boolean {
  const review: unknown = JSON.parse(body);
  const status = isObject(review) && isObject(review["status"]) ? review["status"] : {};
  if (typeof status["allowed"] === "boolean") return status["allowed"];
  throw new Problem("API_INVALID", `${what}: the answer says neither yes nor no`);
}
