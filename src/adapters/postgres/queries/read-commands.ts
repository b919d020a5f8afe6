// What others ask of the live executions of one replica, oldest first.
import type { ExecutionCommand, PendingCommand } from "../../../controller/ports.ts";
import type { Sql } from "../sql.ts";

export async function readCommands(sql: Sql, replica: string): Promise<readonly PendingCommand[]> {
  const rows = await sql.query<{ id: string; execution_id: string; command: ExecutionCommand }>(
    `select c.id, c.execution_id::text, c.command from commands c join executions e on e.id = c.execution_id
     where e.owner = $1::text and e.outcome is null order by c.id`,
    [replica],
  );
  return rows.map(({ id, execution_id, command }) => ({ id, executionId: execution_id, command }));
}
