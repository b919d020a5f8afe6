// GitLab's API as the forge uses it.
import { connectRest, type RestApi } from "../rest-api.ts";

/** @param url of the API: `https://gitlab.example.org/api/v4` */
export function connectGitlab(url: string, token: string, now: () => number = Date.now): RestApi {
  const headers = { "private-token": token };
  return connectRest({ name: "GitLab", url, headers, pageSize: "per_page", now });
}
