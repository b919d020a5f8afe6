// Stops or kills this process at a named point: how tests prove that any instruction may be the last one.
// Only GITMEND_FAULT switches it on; without it every point is a resolved promise.
import type { FaultPoint, Faults } from "../controller/fault-ports.ts";

const signals = { kill: "SIGKILL", stop: "SIGSTOP" } as const;

/**
 * @param setting `step-after-effect:kill` or, for the third pass only, `step-after-effect:kill:3`; undefined: none
 * @param onReached told before the signal is sent
 */
export function faultPoints(setting: string | undefined, onReached: (point: FaultPoint) => void): Faults {
  if (setting === undefined || setting === "") return { at: () => Promise.resolve() };
  const [point, action, pass = "1"] = setting.split(":");
  const signal = action === "kill" || action === "stop" ? signals[action] : undefined;
  if (signal === undefined)
    throw new RangeError(`GITMEND_FAULT is <point>:<kill|stop>[:<pass>], not ${setting}`);
  let passes = 0;
  return {
    async at(reached) {
      if (reached !== point) return;
      passes += 1;
      if (passes !== Number(pass)) return;
      onReached(reached);
      process.kill(process.pid, signal);
      // SIGKILL and SIGSTOP arrive asynchronously: nothing may happen after this line before they do.
      await new Promise((resolve) => setTimeout(resolve, 50));
    },
  };
}
