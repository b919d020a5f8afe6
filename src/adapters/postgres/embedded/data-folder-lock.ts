// A lock that ends with its process, whatever ends it: a listening Unix socket in the folder. Whoever connects is told the
// holder's pid; a refused connection means that the holder is gone, and the socket is taken over.
import { randomUUID } from "node:crypto";
import { link, lstat, mkdtemp, rename, rm, symlink } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

export interface FolderLock {
  release(): Promise<void>;
}

export type Locked =
  | { readonly locked: true; readonly lock: FolderLock }
  | { readonly locked: false; readonly pid: number | null };

const attempts = 20;
const answerTimeoutMs = 2_000;
/** Much longer than moving a file and putting it back. */
const settleMs = 100;
/** The address of a Unix socket holds about 100 bytes. */
const longestPath = 90;

/** `path` is the socket; its folder must be short enough, see shortFolder. */
export async function lockFolder(path: string): Promise<Locked> {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const server = await listen(path);
    if (server !== null) {
      if (attempt === 0 || (await isStillOurs(path)))
        return { locked: true, lock: { release: () => close(server) } };
      // Not closed: that would remove the file at this path, which is another's socket now.
      continue;
    }
    const holder = await holderOf(path);
    if (holder !== "gone") return { locked: false, pid: holder };
    await removeDead(path);
  }
  return { locked: false, pid: null };
}

/** null: somebody's socket, dead or alive, is there already. */
async function listen(path: string): Promise<Server | null> {
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.end(String(process.pid));
  });
  const { promise, resolve, reject } = Promise.withResolvers<Server | null>();
  server.once("error", (error: NodeJS.ErrnoException) =>
    error.code === "EADDRINUSE" ? resolve(null) : reject(error),
  );
  server.listen(path, () => resolve(server));
  const listening = await promise;
  server.unref();
  return listening;
}

/** The pid of whoever holds the lock, null when it does not say. */
async function holderOf(path: string): Promise<number | null | "gone"> {
  const { promise, resolve } = Promise.withResolvers<number | null | "gone">();
  const socket = connect(path);
  let text = "";
  socket.setTimeout(answerTimeoutMs, () => resolve(null));
  socket.on("data", (chunk) => (text += chunk.toString()));
  socket.on("end", () => resolve(Number(text) || null));
  socket.on("error", (error: NodeJS.ErrnoException) =>
    resolve(error.code === "ECONNREFUSED" || error.code === "ENOENT" ? "gone" : null),
  );
  const holder = await promise;
  socket.destroy();
  return holder;
}

/** Of several who take over from a dead holder one may move another's fresh socket away: seen a moment later, by its pid. */
async function isStillOurs(path: string): Promise<boolean> {
  await delay(settleMs);
  return (await holderOf(path)) === process.pid;
}

/** Moves the dead socket away; what turns out to be the fresh one of somebody who was faster is put back. */
async function removeDead(path: string): Promise<void> {
  const aside = `${path}.${randomUUID().slice(0, 8)}`;
  try {
    const dead = await lstat(path);
    if ((await holderOf(path)) !== "gone") return;
    await rename(path, aside);
    const moved = await lstat(aside);
    if (moved.ino !== dead.ino) await link(aside, path);
    await rm(aside, { force: true });
  } catch (error) {
    // EEXIST: a third one was faster still; whose socket was moved notices by itself.
    if (!["ENOENT", "EEXIST"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
    await rm(aside, { force: true });
  }
}

function close(server: Server): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  return promise;
}

/** The folder under a name that is short enough for the address of a socket. */
export async function shortFolder(folder: string): Promise<{ path: string; remove(): Promise<void> }> {
  if (Buffer.byteLength(folder) <= longestPath - "/.s.PGSQL.5432".length) {
    return { path: folder, remove: async () => undefined };
  }
  const holder = await mkdtemp(join(tmpdir(), "gitmend-"));
  const path = join(holder, "data");
  await symlink(folder, path);
  return { path, remove: () => rm(holder, { recursive: true, force: true }) };
}
