// People's pull requests on the config repository, on Gitea or Forgejo: which are open, and where they are told what gitmend found.
import type { ChangeForge, ProposedChange } from "../../../controller/change-ports.ts";
import type { ChangeNote } from "../../../domain/gate/change-note.ts";
import { commitName, isOwnComment, noteText } from "../change-comment.ts";
import type { RestApi } from "../rest-api.ts";
import type { GiteaComment, GiteaPull, GiteaUser } from "./gitea-types.ts";

/** @param repository `owner/name` */
export function giteaChanges(api: RestApi, repository: string): ChangeForge {
  const at = `/repos/${repository.split("/").map(encodeURIComponent).join("/")}`;

  const comment = async ({ number, head }: ProposedChange, note: ChangeNote) => {
    const bot = (await api.get<GiteaUser>("/user")).login;
    const where = `${at}/issues/${number}/comments`;
    const all = await api.get<readonly GiteaComment[]>(where);
    const own = all.find(({ user, body }) => isOwnComment(user?.login, body, bot));
    const body = noteText(note, head);
    if (own === undefined && note.comment !== null) await api.send("POST", where, { body });
    if (own !== undefined && own.body !== body)
      await api.send("PATCH", `${at}/issues/comments/${own.id}`, { body });
  };

  return {
    async changes(base, limit) {
      const open: ProposedChange[] = [];
      for await (const page of api.pages<GiteaPull>(`${at}/pulls?state=open&sort=recentupdate`)) {
        for (const pull of page)
          if (pull.base.ref === base && commitName.test(pull.head.sha))
            open.push({ number: pull.number, head: pull.head.sha });
        if (open.length >= limit) break;
      }
      return open.slice(0, limit);
    },
    async note(change, note) {
      await api.send("POST", `${at}/statuses/${change.head}`, {
        context: "gitmend/validate",
        state: note.state,
        description: note.status,
      });
      await comment(change, note);
    },
  };
}
