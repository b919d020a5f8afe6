// The files of the embedded database: made beside their place and moved there when they are whole, so that a process that is
// killed meanwhile leaves nothing that looks like a database. A seed in node_modules/.cache spares the 5 s of initdb.
import { access, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { PGlite } from "@electric-sql/pglite";

/** @returns the folder of the database, which is there and whole. */
export async function dataFiles(dataDir: string): Promise<string> {
  const files = join(dataDir, "pgdata");
  if (await exists(files)) return files;
  const unfinished = `${files}.new`;
  const seed = seedFile();
  if (!(await grown(unfinished, seed))) await initialised(unfinished, seed);
  await rename(unfinished, files);
  return files;
}

/** Named after the version: another one makes its own. */
function seedFile(): string {
  const entry = fileURLToPath(import.meta.resolve("@electric-sql/pglite"));
  const modules = entry.slice(0, entry.lastIndexOf("node_modules") + "node_modules".length);
  return join(modules, ".cache", "gitmend", "pglite-0.5.14.tar.gz");
}

/** false: there is no seed, or it is of no use. */
async function grown(folder: string, seed: string): Promise<boolean> {
  await rm(folder, { recursive: true, force: true });
  try {
    const loadDataDir = new Blob([await readFile(seed)]);
    const database = await PGlite.create({ dataDir: folder, loadDataDir });
    await database.close();
    return true;
  } catch {
    await rm(seed, { force: true }).catch(() => undefined);
    return false;
  }
}

async function initialised(folder: string, seed: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  const database = await PGlite.create(folder);
  const dump = await database.dumpDataDir("gzip");
  await database.close();
  await keepSeed(seed, Buffer.from(await dump.arrayBuffer()));
}

/** A folder that cannot be written only costs time at the next first start. */
async function keepSeed(seed: string, content: Buffer): Promise<void> {
  try {
    await mkdir(dirname(seed), { recursive: true });
    const unfinished = `${seed}.${process.pid}`;
    await writeFile(unfinished, content);
    await rename(unfinished, seed);
  } catch {
    await rm(`${seed}.${process.pid}`, { force: true }).catch(() => undefined);
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
