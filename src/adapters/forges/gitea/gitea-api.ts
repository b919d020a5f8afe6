// Gitea's API, and Forgejo's, as the forge uses it.
import { connectRest, type RestApi } from "../rest-api.ts";

/** @param url of the API: `https://gitea.example.org/api/v1` */
export function connectGitea(url: string, token: string, now: () => number = Date.now): RestApi {
  const headers = { authorization: `token ${token}` };
  return connectRest({ name: "Gitea", url, headers, pageSize: "limit", now });
}
