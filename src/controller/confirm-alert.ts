// Whoever may deliver alerts could invent one. With `confirm` something else is asked whether the alert is active before anything
// of risk medium or more starts for it; what cannot be asked does not confirm.
import type { ActionTools } from "../actions/action.ts";
import { promqlValue } from "../domain/expressions/promql-value.ts";
import type { Alert } from "../domain/facts/alert.ts";
import { identifyingLabels } from "../domain/intake/subject-of.ts";
import type { Plan } from "../domain/planning/plan.ts";
import { toProblem } from "../domain/problem.ts";
import { risks } from "../domain/templates/action-description.ts";
import type { AlertHolds } from "./ports.ts";
import type { Shared } from "./shared.ts";

export type Confirm = "off" | "alertmanager" | "prometheus";

export interface ConfirmPorts {
  /** Who is asked. */
  readonly confirm: Confirm;
  readonly alertmanagers: Pick<AlertHolds, "look">;
  readonly shared: Pick<Shared, "recall" | "remember">;
}

/** Only a yes is shared: a no is asked again each time. */
const activeSeconds = 5;

/** null: it is active, or nobody has to be asked. */
export async function whyUnconfirmed(
  alert: Alert,
  { risk }: Pick<Plan, "risk">,
  tools: Pick<ActionTools, "query">,
  { confirm, alertmanagers, shared }: ConfirmPorts,
): Promise<string | null> {
  if (confirm === "off" || risks.indexOf(risk) < risks.indexOf("medium")) return null;
  const key = `active ${confirm} ${alert.cluster} ${alert.fingerprint}`;
  if ((await shared.recall(key)) === true) return null;
  try {
    const why =
      confirm === "prometheus" ? await askPrometheus(alert, tools) : await askSource(alert, alertmanagers);
    if (why === null) shared.remember(key, true, activeSeconds);
    return why;
  } catch (error) {
    const { code, message } = toProblem(error);
    if (code === "INTERNAL") throw error;
    return `nobody confirms that the alert is active: ${message}`;
  }
}

async function askSource(alert: Alert, alertmanagers: ConfirmPorts["alertmanagers"]): Promise<string | null> {
  const found = await alertmanagers.look(alert);
  switch (found.state) {
    case "active":
      return null;
    case "held":
      return found.why;
    case "absent":
      return `Alertmanager ${alert.source} has no such alert`;
    case "unasked":
      return `nobody confirms that the alert is active: alertmanagers has no url for ${alert.source}`;
  }
}

/** Its series has the alert's labels, without those that Prometheus adds when it sends. */
async function askPrometheus(alert: Alert, tools: Pick<ActionTools, "query">): Promise<string | null> {
  const samples = await tools.query(alert.cluster, alertsQuery(alert));
  return samples.some(({ value }) => value === 1) ? null : "Prometheus has no such alert firing";
}

export function alertsQuery({ name, labels }: Pick<Alert, "name" | "labels">): string {
  const known = identifyingLabels.flatMap((label) => {
    const value = Object.hasOwn(labels, label) ? labels[label] : undefined;
    return value === undefined || value === "" ? [] : [`${label}=${promqlValue(value)}`];
  });
  return `ALERTS{${[`alertname=${promqlValue(name)}`, 'alertstate="firing"', ...known].join(",")}}`;
}
