// The table of routes as an OpenAPI 3.1 document.
import type { Json, JsonObject } from "../../domain/json.ts";
import type { Route } from "./route.ts";
import { shapes } from "./shapes.ts";

export function openApi(routes: readonly Route[]): JsonObject {
  const paths: Record<string, Record<string, Json>> = {};
  for (const route of routes) {
    const path = `/api/v1${route.path}`;
    paths[path] = { ...paths[path], [route.method]: operation(route) };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "gitmend",
      version: "1",
      description: "What the command line and the UI read and ask. Everything needs the controller's token.",
    },
    security: [{ token: [] }],
    paths,
    components: { schemas: shapes, securitySchemes: { token: { type: "http", scheme: "bearer" } } },
  };
}

function operation(route: Route): JsonObject {
  const { operation: operationId, summary, path, query } = route;
  const parameters = [
    ...(path.includes("{id}")
      ? [
          {
            name: "id",
            in: "path",
            required: true,
            schema: { type: "string" },
            description: "Whole, or at least 6 characters of it.",
          },
        ]
      : []),
    ...Object.entries(query).map(([name, schema]) => ({ name, in: "query", required: false, schema })),
  ];
  const body = route.kind === "plain" ? route.body : null;
  return {
    operationId,
    summary,
    parameters,
    ...(body === null
      ? {}
      : { requestBody: { required: true, content: { "application/json": { schema: body } } } }),
    responses: { ...successes(route), default: problem },
  };
}

const problem: JsonObject = {
  description: "A problem.",
  content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
};

function successes(route: Route): JsonObject {
  if (route.kind === "stream") {
    const content = { "text/event-stream": { schema: { type: "string" } } };
    return { 200: { description: "Server-sent events.", content } };
  }
  const content = { "application/json": { schema: route.answer } };
  return Object.fromEntries(
    (route.statuses ?? [200]).map((status) => [
      String(status),
      { description: status === 202 ? "Accepted; it is not done yet." : "Done.", content },
    ]),
  );
}
