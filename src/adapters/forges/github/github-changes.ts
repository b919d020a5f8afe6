// People's pull requests on the config repository, on GitHub: which are open, and where they are told what gitmend found.
import type { ChangeForge, ProposedChange } from "../../../controller/change-ports.ts";
import type { ChangeNote } from "../../../domain/gate/change-note.ts";
import { commitName, isOwnComment, noteText } from "../change-comment.ts";
import type { GithubApi } from "./github-api.ts";

const perPage = 100;

/** @param repository `owner/name` */
export function githubChanges(api: GithubApi, repository: string): ChangeForge {
  const [owner = "", repo = ""] = repository.split("/");
  const where = { owner, repo };
  const { rest } = api.octokit;

  const ownComment = async (issue_number: number) => {
    const bot = await api.bot();
    const asked = { ...where, issue_number, per_page: perPage };
    const all = await api.octokit.paginate(rest.issues.listComments, asked);
    return all.find(({ user, body }) => isOwnComment(user?.login, body, bot)) ?? null;
  };

  const comment = async ({ number, head }: ProposedChange, note: ChangeNote) => {
    const own = await ownComment(number);
    const body = noteText(note, head);
    if (own === null && note.comment !== null)
      await rest.issues.createComment({ ...where, issue_number: number, body });
    if (own !== null && own.body !== body)
      await rest.issues.updateComment({ ...where, comment_id: own.id, body });
  };

  return {
    async changes(base, limit) {
      const { data } = await rest.pulls.list({ ...where, base, state: "open", per_page: perPage });
      return data
        .map(({ number, head }) => ({ number, head: head.sha }))
        .filter(({ head }) => commitName.test(head))
        .slice(0, limit);
    },
    async note(change, note) {
      await rest.repos.createCommitStatus({
        ...where,
        sha: change.head,
        context: "gitmend/validate",
        state: note.state,
        description: note.status,
      });
      await comment(change, note);
    },
  };
}
