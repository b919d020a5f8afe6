// What is going on now, and incidents.
import { shortened } from "../../domain/plain-text.ts";
import { Problem } from "../../domain/problem.ts";
import type { ApiPorts } from "./api-ports.ts";
import { beforeId, limit, yesNo } from "./inputs.ts";
import { type Route, read } from "./route.ts";
import { listOf, named, pageOf, shape } from "./shapes.ts";

/** More do not fit on a screen, and `executions list` has all. */
const mostCurrent = 200;
const mostBreakers = 20;

export function incidentRoutes(ports: ApiPorts): readonly Route[] {
  return [
    read("/now", "showNow", "What runs, waits and fires, what needs a person, and how gitmend itself is.", {
      answer: shape({
        mode: { enum: ["observe", "live"] },
        databaseSeconds: { type: "number" },
        health: named("Health"),
        catalog: named("Catalog"),
        executions: listOf(named("CurrentExecution")),
        firings: listOf(named("CurrentFiring")),
        pauses: listOf(named("Pause")),
        breakers: listOf(named("Breaker")),
      }),
      handle: () => now(ports),
    }),
    read("/incidents", "listIncidents", "Incidents, newest first.", {
      query: {
        limit,
        before: beforeId,
        open: { ...yesNo, description: "true: open ones, false: closed ones" },
      },
      answer: pageOf(named("Incident")),
      handle: async ({ query }) => {
        const page = query as { limit: number; before?: string; open?: boolean };
        const items = await ports.views.incidents(page);
        return { items, next: items.length === page.limit ? (items.at(-1)?.id ?? null) : null };
      },
    }),
    read("/incidents/{id}", "showIncident", "One incident: its alerts, executions and decisions.", {
      answer: named("IncidentDetails"),
      handle: async ({ id }) => {
        const incident = await ports.views.incident(id);
        if (incident !== null) return incident;
        throw new Problem(
          "NOT_FOUND",
          `no incident ${shortened(id, 40)}, or more than one begins or ends so`,
        );
      },
    }),
  ];
}

async function now({ views, state, pauses: paused, breakers: tripped }: ApiPorts) {
  const began = performance.now();
  const health = await views.health();
  const databaseSeconds = (performance.now() - began) / 1000;
  const [executions, firings, pauses, breakers] = await Promise.all([
    views.currentExecutions(mostCurrent),
    views.currentFirings(mostCurrent),
    paused.all(),
    tripped.list({ all: false, limit: mostBreakers }),
  ]);
  return {
    mode: state.mode(),
    databaseSeconds,
    health,
    catalog: state.catalog(),
    executions,
    firings,
    pauses,
    breakers,
  };
}
