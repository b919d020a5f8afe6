// The kubelets of all nodes: pods that are placed start, become ready, crash in loops, wait for images that do not exist, and
// stop. What a container does follows from its image and its command; one with `needs-role <name>` in it is ready only while its
// service account has that role in its namespace.
import { timestamp } from "./clock.ts";
import type { Container, ContainerState, ContainerStatus, Pod, PodStatus, RoleBinding } from "./objects.ts";
import { type Controller, type World, withCondition } from "./world.ts";

/** What a container does once it is scheduled, read from its spec. */
export function behaviourOf(container: Container): "runs" | "crashes" | "image-missing" {
  if (container.image.includes("does-not-exist")) return "image-missing";
  const words = [...(container.command ?? []), ...(container.args ?? [])].join(" ");
  return /\bexit [1-9]\d*\b/.test(words) || /^\/?(bin\/)?false$/.test(words) ? "crashes" : "runs";
}

function exitCodeOf(container: Container): number {
  const words = [...(container.command ?? []), ...(container.args ?? [])].join(" ");
  return Number(/\bexit ([1-9]\d*)\b/.exec(words)?.[1] ?? 1);
}

/** Containers that ask the API server for something start well only with their role. */
function hasRights({ store }: World, { spec, metadata }: Pod): boolean {
  const { namespace = null } = metadata;
  const words = spec.containers.flatMap(({ command = [], args = [] }) => [...command, ...args]).join(" ");
  const [, role] = /\bneeds-role (\S+)/.exec(words) ?? [];
  const account = spec.serviceAccountName ?? "default";
  return (
    role === undefined ||
    (store.list("rolebindings", namespace) as RoleBinding[]).some(
      ({ roleRef, subjects = [] }) => roleRef.name === role && subjects.some(({ name }) => name === account),
    )
  );
}

// ---- kubelet ------------------------------------------------------------------------------------------------------

/** A pod of a Job ends by itself: after its time, with the code of `exit N`; `sleep infinity` never does. */
function endsBy(pod: Pod): boolean {
  return pod.spec.restartPolicy === "Never";
}

function runSeconds(world: World, { spec }: Pod): number {
  const words = spec.containers.flatMap(({ command = [], args = [] }) => [...command, ...args]).join(" ");
  const [, seconds] = /\bsleep (\d+(?:\.\d+)?|infinity)\b/.exec(words) ?? [];
  if (seconds === undefined) return world.timing.runSeconds;
  return seconds === "infinity" ? Infinity : Number(seconds);
}

/** What the kubelet knows of one pod besides its status. */
interface Progress {
  stage: "starting" | "warming" | "running" | "ending" | "crashing" | "backing-off" | "stopping";
  dueAt: number;
  startedAt: string;
}

export function createKubelet(): Controller {
  const known = new Map<string, Progress>();
  return (world) => {
    const pods = (world.store.list("pods") as Pod[]).filter((pod) => pod.spec.nodeName !== undefined);
    const uids = new Set(pods.map((pod) => pod.metadata.uid));
    for (const uid of known.keys()) if (!uids.has(uid)) known.delete(uid);
    return Math.min(Infinity, ...pods.map((pod) => syncPod(world, pod, known)));
  };
}

function syncPod(world: World, pod: Pod, known: Map<string, Progress>): number {
  const { startSeconds, stopSeconds } = world.timing;
  const { uid, deletionTimestamp, deletionGracePeriodSeconds = 30 } = pod.metadata;
  const now = world.now();
  let progress = known.get(uid);
  if (progress === undefined) {
    progress = { stage: "starting", dueAt: now + startSeconds * 1000, startedAt: timestamp(now) };
    known.set(uid, progress);
  }
  if (deletionTimestamp !== undefined && progress.stage !== "stopping") {
    progress.stage = "stopping";
    progress.dueAt = now + Math.min(stopSeconds, deletionGracePeriodSeconds) * 1000;
  }
  if (now < progress.dueAt) return progress.dueAt;
  if (progress.stage === "stopping") {
    world.store.remove(pod);
    known.delete(uid);
    return Infinity;
  }
  advance(world, pod, progress);
  return progress.dueAt;
}

/** One step of a pod's life; sets when the next one is due. */
function advance(world: World, pod: Pod, progress: Progress): void {
  const { timing } = world;
  const kinds = pod.spec.containers.map(behaviourOf);
  const restarts = Math.max(0, ...(pod.status.containerStatuses ?? []).map((one) => one.restartCount));
  const next = (stage: Progress["stage"], seconds: number) => {
    progress.stage = stage;
    progress.dueAt = world.now() + seconds * 1000;
  };
  const started = () => {
    progress.startedAt = timestamp(world.now());
    if (kinds.includes("image-missing")) next("running", Infinity);
    else if (endsBy(pod)) next("ending", runSeconds(world, pod));
    else if (kinds.includes("crashes")) next("crashing", timing.crashAfterSeconds);
    else next("warming", timing.readySeconds);
  };
  switch (progress.stage) {
    case "starting":
      started();
      return write(world, pod, progress, { ready: false, restarts: 0 });
    case "warming":
      if (!hasRights(world, pod)) {
        next("warming", timing.readySeconds);
        return write(world, pod, progress, { ready: false, restarts });
      }
      next("running", Infinity);
      return write(world, pod, progress, { ready: true, restarts });
    case "crashing": {
      // As a kubelet does: the first restart comes at once, then the back-off doubles.
      const wait = restarts === 0 ? 0 : timing.crashBackoffSeconds * 2 ** Math.min(restarts - 1, 16);
      next("backing-off", Math.min(wait, timing.crashBackoffMaxSeconds));
      return write(world, pod, progress, { ready: false, restarts, crashed: true });
    }
    case "backing-off":
      started();
      return write(world, pod, progress, { ready: false, restarts: restarts + 1 });
    case "ending":
      next("running", Infinity);
      return end(world, pod, progress);
    case "running":
    case "stopping":
      next(progress.stage, Infinity);
  }
}

/** All its containers have ended, as a kubelet tells it. */
function end(world: World, pod: Pod, progress: Progress): void {
  const now = world.now();
  const codes = pod.spec.containers.map((one) => (behaviourOf(one) === "crashes" ? exitCodeOf(one) : 0));
  const failed = codes.some((code) => code !== 0);
  const finishedAt = timestamp(now);
  const containerStatuses = (pod.status.containerStatuses ?? []).map((status, index) => {
    const exitCode = codes[index] ?? 0;
    const { startedAt } = progress;
    const terminated = {
      exitCode,
      reason: exitCode === 0 ? "Completed" : "Error",
      startedAt,
      finishedAt,
      containerID: status.containerID,
    };
    return { ...status, ready: false, started: false, state: { terminated } };
  });
  const state = { status: "False" as const, reason: failed ? "PodFailed" : "PodCompleted" };
  let conditions = withCondition(pod.status.conditions ?? [], { type: "ContainersReady", ...state }, now);
  conditions = withCondition(conditions, { type: "Ready", ...state }, now);
  const phase = failed ? "Failed" : "Succeeded";
  world.store.put({ ...pod, status: { ...pod.status, phase, conditions, containerStatuses } });
}

interface Moment {
  readonly ready: boolean;
  readonly restarts: number;
  readonly crashed?: boolean;
}

function write(world: World, pod: Pod, progress: Progress, moment: Moment): void {
  const now = world.now();
  const containerStatuses = pod.spec.containers.map((container) =>
    containerStatus(world, pod, container, progress, moment),
  );
  const ready = containerStatuses.every((one) => one.ready);
  const state = ready
    ? { status: "True" as const }
    : { status: "False" as const, reason: "ContainersNotReady" };
  let conditions = withCondition(pod.status.conditions ?? [], { type: "Initialized", status: "True" }, now);
  conditions = withCondition(conditions, { type: "ContainersReady", ...state }, now);
  conditions = withCondition(conditions, { type: "Ready", ...state }, now);
  const pulling = containerStatuses.some((one) => one.state.waiting?.reason === "ImagePullBackOff");
  const status: PodStatus = {
    ...pod.status,
    phase: pulling ? "Pending" : "Running",
    conditions,
    containerStatuses,
    startTime: pod.status.startTime ?? timestamp(now),
    hostIP: "10.200.0.1",
    podIP:
      pod.status.podIP ??
      `10.244.${Math.floor(world.random() * 250)}.${Math.floor(world.random() * 250) + 2}`,
  };
  world.store.put({ ...pod, status });
}

/** The end of the run before the present one. */
function lastStateOf(old: ContainerStatus | undefined): ContainerState {
  const ended = old?.state.terminated;
  return ended === undefined ? (old?.lastState ?? {}) : { terminated: ended };
}

function containerStatus(
  world: World,
  pod: Pod,
  container: Container,
  progress: Progress,
  moment: Moment,
): ContainerStatus {
  const kind = behaviourOf(container);
  const old = pod.status.containerStatuses?.find((one) => one.name === container.name);
  const containerID = `simulated://${pod.metadata.uid}/${container.name}/${moment.restarts}`;
  const base = { name: container.name, image: container.image, imageID: `simulated://${container.image}` };
  const running: ContainerState = { running: { startedAt: progress.startedAt } };
  const still = { ...base, containerID, restartCount: 0, lastState: {} };
  if (kind === "image-missing") {
    const state = {
      waiting: { reason: "ImagePullBackOff", message: `Back-off pulling image "${container.image}"` },
    };
    return { ...still, imageID: "", containerID: "", ready: false, started: false, state };
  }
  if (kind === "runs" || endsBy(pod))
    return { ...still, ready: moment.ready || old?.ready === true, started: true, state: running };
  const counted = { ...still, restartCount: moment.restarts, ready: false };
  if (moment.crashed !== true)
    return { ...counted, started: true, state: running, lastState: lastStateOf(old) };
  const terminated = {
    exitCode: exitCodeOf(container),
    reason: "Error",
    startedAt: progress.startedAt,
    finishedAt: timestamp(world.now()),
    containerID,
  };
  if (moment.restarts === 0) return { ...counted, started: false, state: { terminated } };
  const message = `back-off restarting failed container=${container.name} pod=${pod.metadata.name}`;
  return {
    ...counted,
    started: false,
    state: { waiting: { reason: "CrashLoopBackOff", message } },
    lastState: { terminated },
  };
}
