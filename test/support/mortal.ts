// A replica in this process that can die as by kill -9: from that moment on nothing that it calls is begun, and nothing that it
// waits for comes back. What was on its way to PostgreSQL or to an API server may still arrive, as in a real crash.

export interface Life {
  readonly over: boolean;
  end(): void;
}

export function newLife(): Life {
  let over = false;
  return {
    get over() {
      return over;
    },
    end: () => {
      over = true;
    },
  };
}

/** Answers at once, without a promise: harmless after death, and nobody could wait for it. */
const immediate: ReadonlySet<string> = new Set([
  "cluster",
  "count",
  "error",
  "info",
  "labels",
  "next",
  "now",
  "observe",
  "onLost",
  "random",
  "replicaId",
  "tools",
  "valid",
  "warn",
]);

/** The same ports, for as long as the life lasts; also what they hand out. */
export function mortal<T extends object>(ports: T, life: Life): T {
  return new Proxy(ports, {
    get(target, key, receiver) {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value === "function")
        return (...args: unknown[]) => call(value, target, String(key), args, life);
      return isPlain(value) && receiver !== undefined ? mortal(value, life) : value;
    },
  });
}

function call(value: Function, target: object, key: string, args: readonly unknown[], life: Life): unknown {
  if (life.over && !immediate.has(key)) return never();
  const result: unknown = Reflect.apply(value, target, args);
  if (result instanceof Promise) return untilDeath(result, life);
  return isPlain(result) ? mortal(result, life) : result;
}

function untilDeath(promise: Promise<unknown>, life: Life): Promise<unknown> {
  return new Promise((resolve, reject) => {
    promise.then(
      (value) => life.over || resolve(value),
      (error: unknown) => life.over || reject(error as Error),
    );
  });
}

/** Data and classes (maps, signals) are handed on as they are. */
function isPlain(value: unknown): value is object {
  return (
    typeof value === "object" &&
    value !== null &&
    Object.getPrototypeOf(value) === Object.prototype &&
    Object.values(value).some((member) => typeof member === "function")
  );
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}
