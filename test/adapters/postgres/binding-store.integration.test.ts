// How long a RoleBinding stood as it was, on real PostgreSQL: what is planted, widened or comes back counts from then on.
import { afterAll, beforeAll, expect, it } from "vitest";
import type { BindingContent } from "../../../src/actions/bindings.ts";
import { type Database, openDatabase } from "../../../src/adapters/postgres/open-database.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";

let postgres: TestPostgres;
let database: Database;
beforeAll(async () => {
  postgres = await startPostgres({ fsync: false });
  database = await openDatabase({ url: await postgres.createDatabase() });
});
afterAll(async () => {
  await database.close();
  await postgres.remove();
});

const content = (name: string, fingerprint = "as-it-was", labels = {}): BindingContent => ({
  name,
  fingerprint,
  labels,
  roleRef: { kind: "Role", name },
  subjects: [{ kind: "ServiceAccount", namespace: "shop", name }],
  rules: "r",
});
const saw = (...bindings: readonly BindingContent[]) => database.bindings.saw("sim", "shop", bindings);
/** As if that time had passed. */
const pass = (minutes: number) =>
  database.pool.query(
    "update role_bindings set since = since - $1::integer * interval '1 minute', seen_at = seen_at - $1::integer * interval '1 minute'",
    [minutes],
  );
const settled = async (name: string, seconds = 3_600) =>
  (await database.bindings.known("sim", "shop", seconds)).find((one) => one.name === name)?.settled;

it("is settled when it was seen unchanged for as long as is asked", async () => {
  await saw(content("old"));
  expect(await settled("old")).toBe(false);
  await pass(50);
  await saw(content("old", "as-it-was", { team: "shop" }));
  expect([await settled("old"), await settled("old", 2_400)]).toEqual([false, true]);
  await pass(30);
  // Nobody has seen it since: that time counts for nothing.
  expect(await settled("old")).toBe(false);
  await saw(content("old"));
  expect(await settled("old")).toBe(true);
});

it("counts anew when its rights change, also back to what they were", async () => {
  await saw(content("changed"));
  await pass(50);
  await saw(content("changed"));
  await pass(20);
  await saw(content("changed", "wider"));
  expect(await settled("changed")).toBe(false);
  await saw(content("changed"));
  expect(await settled("changed", 60)).toBe(false);
});

it("counts anew when it was away for an hour, and is forgotten after a week", async () => {
  await saw(content("away"));
  await pass(59);
  await saw(content("away"));
  await pass(61);
  await saw(content("away"));
  expect(await settled("away", 60)).toBe(false);
  await pass(8 * 24 * 60);
  await saw(content("other"));
  expect(await settled("away")).toBeUndefined();
});

it("is known in its own cluster and namespace alone", async () => {
  await saw(content("here"));
  expect(await database.bindings.known("other", "shop", 0)).toEqual([]);
  expect(await database.bindings.known("sim", "till", 0)).toEqual([]);
});
