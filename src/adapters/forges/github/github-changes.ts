// People's pull requests on the config repository, on GitHub: which are open, and where they are told what gitmend found.
import type { ChangeForge, ProposedChange } from "../../../controller/change-ports.ts";
import type { ChangeNote } from "../../../domain/gate/change-note.ts";
import type { GithubApi } from "./github-api.ts";

/** What gitmend's own comment ends with. */
const mark = "<!-- gitmend/validate -->";
const perPage = 100;
const commitName = /^[0-9a-f]{40}$/;

/** @param repository `owner/name` */
export function githubChanges(api: GithubApi, repository: string): ChangeForge {
  const [owner = "", repo = ""] = repository.split("/");
  const where = { owner, repo };
  const { rest } = api.octokit;

  /** Another's comment with the same mark is not gitmend's. */
  const ownComment = async (issue_number: number) => {
    const bot = await api.bot();
    const asked = { ...where, issue_number, per_page: perPage };
    const all = await api.octokit.paginate(rest.issues.listComments, asked);
    return all.find(({ user, body }) => user?.login === bot && body?.endsWith(mark) === true) ?? null;
  };

  const comment = async ({ number, head }: ProposedChange, note: ChangeNote) => {
    const own = await ownComment(number);
    const text = note.comment ?? `**gitmend can use this**: no findings in \`${head.slice(0, 12)}\`.`;
    const body = `${text}\n\n${mark}`;
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
