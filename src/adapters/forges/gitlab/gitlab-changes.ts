// People's merge requests on the config repository, on GitLab: which are open, and where they are told what gitmend found.
import type { ChangeForge, ProposedChange } from "../../../controller/change-ports.ts";
import type { ChangeNote } from "../../../domain/gate/change-note.ts";
import { commitName, isOwnComment, noteText } from "../change-comment.ts";
import { type RestApi, statusIn } from "../rest-api.ts";
import type { GitlabNote, GitlabRequest, GitlabUser } from "./gitlab-types.ts";

/** A status that is so already, and a commit of a fork, which has its statuses there. */
const noStatus = new Set([400, 404]);

/** @param repository `group/project` */
export function gitlabChanges(api: RestApi, repository: string): ChangeForge {
  const at = `/projects/${encodeURIComponent(repository)}`;

  const comment = async ({ number, head }: ProposedChange, note: ChangeNote) => {
    const bot = (await api.get<GitlabUser>("/user")).username;
    const where = `${at}/merge_requests/${number}/notes`;
    const all = await api.list<GitlabNote>(`${where}?sort=asc&order_by=created_at`);
    const own = all.find(({ author, body }) => isOwnComment(author.username, body, bot));
    const body = noteText(note, head);
    if (own === undefined && note.comment !== null) await api.send("POST", where, { body });
    if (own !== undefined && own.body !== body) await api.send("PUT", `${where}/${own.id}`, { body });
  };

  return {
    async changes(base, limit) {
      const open = await api.list<GitlabRequest>(
        `${at}/merge_requests?state=opened&target_branch=${encodeURIComponent(base)}`,
        limit,
      );
      return open
        .map(({ iid, sha }) => ({ number: iid, head: sha }))
        .filter(({ head }) => commitName.test(head))
        .slice(0, limit);
    },
    async note(change, note) {
      const state = note.state === "failure" ? "failed" : note.state;
      const body = { name: "gitmend/validate", state, description: note.status };
      await api.send("POST", `${at}/statuses/${change.head}`, body).catch((error: unknown) => {
        if (!noStatus.has(statusIn(error) ?? 0)) throw error;
      });
      await comment(change, note);
    },
  };
}
