// What the containers of the simulated cluster wrote, as the log subresource gives it.
import { timestamp } from "./clock.ts";
import { behaviourOf } from "./kubelet.ts";
import type { Container, ContainerStatus, Pod } from "./objects.ts";
import { badRequest } from "./status-error.ts";

export interface LogQuery {
  readonly container: string | null;
  readonly previous: boolean;
  readonly tailLines: number | null;
  readonly limitBytes: number | null;
}

/** Text that a test or the demo has put in place of the made-up lines; null: none. */
export type WrittenLogs = (pod: Pod, container: string) => string | null;

/** @throws StatusError 400 as the real server words it: several containers, waiting container, no previous one. */
export function podLog(pod: Pod, query: LogQuery, written: WrittenLogs): string {
  const container = chooseContainer(pod, query.container);
  const status = pod.status.containerStatuses?.find((one) => one.name === container.name);
  const where = `container "${container.name}" in pod "${pod.metadata.name}"`;
  if (query.previous && status?.lastState.terminated === undefined) {
    throw badRequest(`previous terminated ${where} not found`);
  }
  if (status === undefined || (status.containerID === "" && status.state.waiting !== undefined)) {
    throw badRequest(
      `${where} is waiting to start: ${status?.state.waiting?.message ?? "ContainerCreating"}`,
    );
  }
  const text = written(pod, container.name) ?? madeUpLines(container, status);
  return limit(tail(text, query.tailLines), query.limitBytes);
}

function chooseContainer(pod: Pod, name: string | null): Container {
  const { containers } = pod.spec;
  if (name === null && containers.length > 1) {
    const names = containers.map((one) => one.name).join(" ");
    throw badRequest(
      `a container name must be specified for pod ${pod.metadata.name}, choose one of: [${names}]`,
    );
  }
  const found = name === null ? containers[0] : containers.find((one) => one.name === name);
  if (found === undefined) throw badRequest(`container ${name} is not valid for pod ${pod.metadata.name}`);
  return found;
}

function madeUpLines(container: Container, status: ContainerStatus): string {
  const started = status.state.running?.startedAt ?? status.lastState.terminated?.startedAt ?? timestamp(0);
  const lines = [`${started} starting ${container.name} from ${container.image}`];
  if (behaviourOf(container) === "crashes") lines.push(`${started} fatal: configuration missing, exiting`);
  else lines.push(`${started} listening on :8080`);
  return `${lines.join("\n")}\n`;
}

function tail(text: string, lines: number | null): string {
  if (lines === null) return text;
  const all = text.split("\n");
  const end = all.at(-1) === "" ? all.length - 1 : all.length;
  return all.slice(Math.max(0, end - lines)).join("\n");
}

function limit(text: string, bytes: number | null): string {
  return bytes === null ? text : Buffer.from(text, "utf8").subarray(0, bytes).toString("utf8");
}
