// Break-glass: what one of the emergency people signs, and the signed statement itself.
import type { JsonObject } from "../../domain/json.ts";
import { liftApprovals, liftView, type SignedLift } from "../break-glass.ts";
import type { ApiPorts } from "./api-ports.ts";
import { findExecution } from "./execution-routes.ts";
import { person, reason } from "./inputs.ts";
import { type Route, read } from "./route.ts";
import { named, shape } from "./shapes.ts";

const signedInstant: JsonObject = {
  type: "string",
  pattern: "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$",
  description: "an instant as the controller gave it",
};
const digest: JsonObject = {
  type: "string",
  pattern: "^sha256:[0-9a-f]{64}$",
  description: "the digest of a plan",
};
const execution: JsonObject = {
  type: "string",
  pattern: "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
  description: "the whole id of an execution",
};
const signature: JsonObject = {
  type: "string",
  pattern: "^-----BEGIN SSH SIGNATURE-----\\r?\\n[A-Za-z0-9+/=\\r\\n]+-----END SSH SIGNATURE-----\\s*$",
  maxLength: 16_384,
  description: "an armored SSH signature",
};

export function breakGlassRoutes(ports: ApiPorts): readonly Route[] {
  return [
    read("/executions/{id}/break-glass", "showBreakGlass", "What one of the emergency people would sign.", {
      answer: named("BreakGlass"),
      handle: async ({ id }) => {
        const found = await findExecution(id, ports);
        return liftView(found.id, await ports.executions.state(found.id), ports.emergency.now());
      },
    }),
    {
      kind: "plain",
      method: "post",
      path: "/executions/{id}/break-glass",
      operation: "breakGlass",
      summary:
        "Lift the approvals that it waits for, with a statement that one of the emergency people has signed.",
      query: {},
      body: {
        type: "object",
        properties: {
          statement: {
            type: "object",
            properties: { execution, digest, by: person, reason, at: signedInstant, until: signedInstant },
            required: ["execution", "digest", "by", "reason", "at", "until"],
            additionalProperties: false,
          },
          signature,
        },
        required: ["statement", "signature"],
        additionalProperties: false,
      },
      answer: shape({ lifted: { type: "boolean" }, execution: named("Execution") }),
      statuses: [200, 202],
      async handle({ id, body }) {
        const found = await findExecution(id, ports);
        const answer = await liftApprovals(found.id, body as unknown as SignedLift, ports);
        return { status: answer.lifted ? 200 : 202, body: answer };
      },
    },
  ];
}
