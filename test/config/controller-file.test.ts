import { chmod, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readControllerFile, writeControllerFile } from "../../src/config/controller-file.ts";

describe("the file that tells where the controller is", () => {
  const address = { url: "http://127.0.0.1:8080", token: "a-token-of-sufficient-length" };
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "gitmend-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it("is read by its owner only, also when an older one was open to all", async () => {
    await writeFile(join(folder, "controller.json"), "{}");
    await chmod(join(folder, "controller.json"), 0o644);
    await writeControllerFile(folder, address);
    expect((await stat(join(folder, "controller.json"))).mode & 0o777).toBe(0o600);
    expect(await readControllerFile(folder)).toEqual(address);
    expect(await readdir(folder)).toEqual(["controller.json"]);
  });

  it("makes its folder", async () => {
    await writeControllerFile(join(folder, "a", "b"), address);
    expect(await readControllerFile(join(folder, "a", "b"))).toEqual(address);
  });

  it("may be missing", async () => {
    expect(await readControllerFile(join(folder, "nowhere"))).toBeNull();
  });

  it.each(["", "{", "[]", '{"url": 7}', '{"url": "http://x"}'])(
    "is refused when it holds %o",
    async (content) => {
      await writeFile(join(folder, "controller.json"), content);
      await expect(readControllerFile(folder)).rejects.toMatchObject({ code: "CONTROLLER_UNREACHABLE" });
    },
  );
});
