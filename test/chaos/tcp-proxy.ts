// A cable between a replica and what it talks to, which can be cut, stall, or be dead without anybody being told.
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface Cable {
  readonly port: number;
  /** Every connection is reset. */
  cut(): void;
  /** Every present connection is half-open: the far end is gone, and the near end hears nothing, ever. New ones work. */
  halfOpen(): void;
  /** Nothing passes, either way, until it is healed; then everything does. */
  stall(): void;
  heal(): void;
  close(): Promise<void>;
}

/** Loopback to loopback. */
export async function openCable(to: number): Promise<Cable> {
  const pairs = new Set<readonly [near: Socket, far: Socket]>();
  let stalled = false;
  const server = createServer({ allowHalfOpen: false }, (near) => {
    const far = connect(to, "127.0.0.1");
    const pair = [near, far] as const;
    pairs.add(pair);
    const end = () => {
      if (!pairs.delete(pair)) return;
      near.destroy();
      far.destroy();
    };
    for (const [one, other] of [pair, [far, near] as const]) {
      one.setNoDelay(true);
      one.pipe(other);
      one.on("error", end);
      one.on("close", end);
      if (stalled) one.pause();
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    cut() {
      for (const [near, far] of pairs) {
        near.resetAndDestroy();
        far.resetAndDestroy();
      }
    },
    halfOpen() {
      for (const pair of pairs) {
        const [near, far] = pair;
        pairs.delete(pair);
        near.unpipe(far);
        far.unpipe(near);
        far.destroy();
        // What still comes is read and forgotten, as by a host that has vanished behind a firewall.
        near.resume();
      }
    },
    stall() {
      stalled = true;
      for (const pair of pairs) for (const socket of pair) socket.pause();
    },
    heal() {
      stalled = false;
      for (const pair of pairs) for (const socket of pair) socket.resume();
    },
    async close() {
      server.close();
      for (const [near, far] of pairs) {
        near.destroy();
        far.destroy();
      }
    },
  };
}
