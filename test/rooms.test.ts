// The import check itself: forbidden imports planted in a copy of the source must be seen, and the source is clean.
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fewestModules, inspectRooms, type RoomsReport } from "../scripts/rooms.ts";

const root = resolve(import.meta.dirname, "..");

/** Rule that must catch it -> planted file and its text. */
const planted: Readonly<Record<string, readonly [file: string, text: string]>> = {
  "domain-packages": ["src/domain/policies/planted-package.ts", 'import pg from "pg";\nvoid pg;\n'],
  "domain-node-builtins": [
    "src/domain/facts/planted-file-reader.ts",
    'import { readFileSync } from "node:fs";\nvoid readFileSync;\n',
  ],
  "domain-root-imports-nothing": [
    "src/domain/planted-root.ts",
    'import { plantedAdapter } from "./../adapters/git/planted-adapter.ts";\nvoid plantedAdapter;\n',
  ],
  "domain-planning-uses-only-earlier-rooms": [
    "src/domain/planning/planted-later-room.ts",
    'import type { Gate } from "../gate/gate.ts";\nexport type Planted = Gate;\n',
  ],
  "actions-imports": [
    "src/actions/planted-action.ts",
    'import type { Log } from "../controller/ports.ts";\nexport type Planted = Log;\nexport const plantedValue = 1;\n',
  ],
  "controller-imports": [
    "src/controller/planted-loop.ts",
    'import { plantedAdapter } from "../adapters/git/planted-adapter.ts";\nexport const plantedLoop = plantedAdapter;\n',
  ],
  "adapters-take-types-only": [
    "src/adapters/git/planted-adapter.ts",
    'import { plantedValue } from "../../actions/planted-action.ts";\nexport const plantedAdapter = plantedValue;\n',
  ],
  "no-cycles": [
    "src/config/planted-cycle.ts",
    'import { plantedCycle as self } from "./planted-cycle.ts";\nexport const plantedCycle: unknown = () => self;\n',
  ],
};

describe("the import check", () => {
  let copy: string;
  let report: RoomsReport;

  beforeAll(async () => {
    copy = mkdtempSync(join(tmpdir(), "gitmend-rooms-"));
    for (const entry of ["src", "tsconfig.json", ".dependency-cruiser.mjs", "package.json"]) {
      cpSync(join(root, entry), join(copy, entry), { recursive: true });
    }
    symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
    for (const [file, text] of Object.values(planted)) {
      mkdirSync(dirname(join(copy, file)), { recursive: true });
      writeFileSync(join(copy, file), text);
    }
    report = await inspectRooms(copy);
  }, 60_000);

  afterAll(() => rmSync(copy, { recursive: true, force: true }));

  it.each(Object.entries(planted))("sees a forbidden import: %s", (rule, [file]) => {
    const culprits = report.violations.filter((violation) => violation.rule === rule).map(({ from }) => from);
    expect(culprits).toContain(file);
  });

  it("complains about nothing but what was planted", () => {
    const innocent = report.violations.filter(({ from, to }) => !`${from} ${to}`.includes("/planted-"));
    expect(innocent).toEqual([]);
  });

  it("passes on the source as it is, and sees it", async () => {
    const clean = await inspectRooms(root);
    expect(clean.violations).toEqual([]);
    expect(clean.modules).toBeGreaterThanOrEqual(fewestModules);
  }, 60_000);
});
