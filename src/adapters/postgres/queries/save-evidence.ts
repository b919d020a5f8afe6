// Evidence stays in the database; the record holds its hash. The same text under the same name is kept once.
import type { Sql } from "../sql.ts";

export async function saveEvidence(
  sql: Sql,
  evidence: {
    readonly executionId: string;
    readonly name: string;
    readonly sha256: string;
    readonly text: string;
  },
): Promise<void> {
  await sql.query(
    `insert into evidence (execution_id, name, sha256, text) values ($1::uuid, $2::text, $3::text, $4::text)
     on conflict (execution_id, name, sha256) do nothing`,
    [evidence.executionId, evidence.name, evidence.sha256, evidence.text],
  );
}
