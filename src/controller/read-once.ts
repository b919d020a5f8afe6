// Reads of clusters as of one moment: what several steps ask for while one plan is made is read once.
import type { ActionTools } from "../actions/action.ts";
import { canonicalJson, type Json } from "../domain/json.ts";

/** Only `get` and `list`. A read that failed is made again when it is asked for again. */
export function readOnce(tools: ActionTools): ActionTools {
  const answers = new Map<string, Promise<unknown>>();
  const once = <Answer>(question: readonly unknown[], read: () => Promise<Answer>): Promise<Answer> => {
    const key = canonicalJson(JSON.parse(JSON.stringify(question)) as Json);
    const known = answers.get(key) as Promise<Answer> | undefined;
    if (known !== undefined) return known;
    const answer = read();
    answers.set(key, answer);
    answer.catch(() => answers.delete(key));
    return answer;
  };
  return {
    ...tools,
    cluster(name) {
      const api = tools.cluster(name);
      return {
        ...api,
        get: (ref) => once(["get", name, ref], () => api.get(ref)),
        list: (query) => once(["list", name, query], () => api.list(query)),
      };
    },
  };
}
