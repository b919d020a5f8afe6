// Leaves a command for whoever owns the execution.
import type { ExecutionCommand } from "../../../controller/ports.ts";
import type { Sql } from "../sql.ts";

/** false: there is no such execution or it has ended. */
export async function sendCommand(sql: Sql, id: string, command: ExecutionCommand): Promise<boolean> {
  const rows = await sql.query(
    `insert into commands (execution_id, command)
     select id, $2::jsonb from executions where id = $1::uuid and outcome is null returning 1`,
    [id, JSON.stringify(command)],
  );
  return rows.length > 0;
}
