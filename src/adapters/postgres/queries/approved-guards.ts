// The approved catalog and the revisions that were found to stop less. Whoever changes one does so once for all replicas.
import { gunzipSync, gzipSync } from "node:zlib";
import type { ApprovedCatalog, Loosening } from "../../../controller/guard-ports.ts";
import type { CatalogFile } from "../../../controller/ports.ts";
import type { Sql } from "../sql.ts";
import { recordControls } from "./controls.ts";

export async function approvedCatalog(sql: Sql): Promise<ApprovedCatalog | null> {
  const [row] = await sql.query<{ revision: string; files: Buffer }>(
    "select revision, files from approved_catalog",
  );
  if (row === undefined) return null;
  const files = JSON.parse(gunzipSync(row.files).toString("utf8")) as readonly CatalogFile[];
  return { revision: row.revision, files };
}

/** Inside a transaction. @returns false: the place of `expected` is taken */
export async function approveCatalog(
  sql: Sql,
  expected: string | null,
  { revision, files }: ApprovedCatalog,
  loosened: (Loosening & { readonly by: readonly string[] }) | null,
): Promise<boolean> {
  const packed = gzipSync(JSON.stringify(files));
  const rows =
    expected === null
      ? await sql.query(
          `insert into approved_catalog (revision, files) values ($1::text, $2::bytea)
           on conflict do nothing returning revision`,
          [revision, packed],
        )
      : await sql.query(
          `update approved_catalog set revision = $1::text, files = $2::bytea, approved_at = now()
           where revision = $3::text returning revision`,
          [revision, packed, expected],
        );
  if (rows.length === 0) return false;
  if (loosened === null) return true;
  await sql.query(
    `insert into loosenings (revision, approved_at) values ($1::text, now())
     on conflict (revision) do update set approved_at = now()`,
    [revision],
  );
  const { guards, reason, by } = loosened;
  const names = by.length === 0 ? "gitmend" : by.join(", ");
  await recordControls(sql, [{ act: "loosen", by: names, reason, revision, guards, held: false }]);
  return true;
}

/** Inside a transaction. */
export async function holdLoosening(sql: Sql, { revision, guards, reason }: Loosening): Promise<void> {
  const rows = await sql.query(
    "insert into loosenings (revision) values ($1::text) on conflict do nothing returning revision",
    [revision],
  );
  if (rows.length > 0)
    await recordControls(sql, [{ act: "loosen", by: "gitmend", reason, revision, guards, held: true }]);
}

export async function isSpent(sql: Sql, revision: string): Promise<boolean> {
  const rows = await sql.query(
    `select from loosenings l where revision = $1::text and approved_at is not null
       and not exists (select from approved_catalog a where a.revision = l.revision)`,
    [revision],
  );
  return rows.length > 0;
}
