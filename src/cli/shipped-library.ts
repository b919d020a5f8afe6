// The templates and policies that come with gitmend, as files of a catalog.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { CatalogFile } from "../controller/ports.ts";

/** Beside src/ in the repository, beside dist/ in the image. */
const root = fileURLToPath(new URL("../../", import.meta.url));

export async function shippedLibrary(): Promise<readonly CatalogFile[]> {
  return [...(await filesIn("templates")), ...(await filesIn("policies"))];
}

async function filesIn(folder: string): Promise<readonly CatalogFile[]> {
  const names = await readdir(join(root, folder), { recursive: true });
  const yaml = names.filter((name) => /\.(ya?ml|json)$/.test(name)).toSorted();
  return Promise.all(
    yaml.map(async (name) => ({
      path: `${folder}/${name}`,
      text: await readFile(join(root, folder, name), "utf8"),
    })),
  );
}
