// The one table of routes: what is mounted, checked, described in OpenAPI and walked by a test.
import type { ApiPorts, ApiSettings } from "./api-ports.ts";
import { breakGlassRoutes } from "./break-glass-routes.ts";
import { breakerRoutes } from "./breaker-routes.ts";
import { controllerRoutes } from "./controller-routes.ts";
import { deadLetterRoutes } from "./dead-letter-routes.ts";
import { executionRoutes } from "./execution-routes.ts";
import { followRoute } from "./follow-route.ts";
import { incidentRoutes } from "./incident-routes.ts";
import { openApi } from "./openapi.ts";
import { pauseRoutes } from "./pause-routes.ts";
import { type Route, read } from "./route.ts";

export function apiRoutes(ports: ApiPorts, { teams, sources }: ApiSettings): readonly Route[] {
  const routes: readonly Route[] = [
    ...incidentRoutes(ports),
    ...executionRoutes(ports, teams),
    ...breakGlassRoutes(ports),
    followRoute(ports),
    ...deadLetterRoutes(ports, sources),
    ...pauseRoutes(ports),
    ...breakerRoutes(ports),
    ...controllerRoutes(ports),
    read("/openapi.json", "describe", "This document.", {
      answer: { type: "object" },
      handle: async () => document,
    }),
  ];
  const document = openApi(routes);
  return routes;
}
