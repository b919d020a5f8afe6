// What the API server says about itself: version, groups, resources, health.
import type { Json, JsonMap } from "./objects.ts";
import { apiVersionOf, type Resource } from "./resources.ts";

export const simulatedVersion = "v1.32.0+simulated";

const verbs = ["create", "delete", "get", "list", "patch", "update"];

function resourceList(groupVersion: string, resources: readonly Resource[]): JsonMap | null {
  const own = resources.filter((one) => apiVersionOf(one) === groupVersion);
  if (own.length === 0) return null;
  const entry = ({ plural, kind, namespaced, shortNames, subresources }: Resource): Json[] => [
    { name: plural, singularName: kind.toLowerCase(), namespaced, kind, verbs, shortNames: [...shortNames] },
    ...subresources.map((sub) => subresource(plural, kind, namespaced, sub)),
  ];
  return { kind: "APIResourceList", apiVersion: "v1", groupVersion, resources: own.flatMap(entry) };
}

function subresource(plural: string, kind: string, namespaced: boolean, name: string): Json {
  const base = { name: `${plural}/${name}`, singularName: "", namespaced };
  switch (name) {
    case "scale":
      return {
        ...base,
        group: "autoscaling",
        version: "v1",
        kind: "Scale",
        verbs: ["get", "patch", "update"],
      };
    case "eviction":
      return { ...base, group: "policy", version: "v1", kind: "Eviction", verbs: ["create"] };
    case "log":
      return { ...base, kind, verbs: ["get"] };
    default:
      return { ...base, kind, verbs: ["get", "patch", "update"] };
  }
}

function groupList(resources: readonly Resource[]): JsonMap {
  const named = [...new Set(resources.map(({ group }) => group))].filter((group) => group !== "");
  const groups = named.map((name) => {
    const versions = [...new Set(resources.filter(({ group }) => group === name).map(apiVersionOf))].map(
      (groupVersion) => ({ groupVersion, version: groupVersion.split("/")[1] ?? "" }),
    );
    return { name, versions, preferredVersion: versions[0] ?? null };
  });
  return { kind: "APIGroupList", apiVersion: "v1", groups };
}

/** null: not a path of discovery. */
export function discover(path: string, resources: readonly Resource[]): JsonMap | string | null {
  if (path === "/healthz" || path === "/readyz" || path === "/livez") return "ok";
  if (path === "/version") {
    return { major: "1", minor: "32", gitVersion: simulatedVersion, platform: "simulated" };
  }
  if (path === "/api") {
    return { kind: "APIVersions", versions: ["v1"], serverAddressByClientCIDRs: [] };
  }
  if (path === "/apis") return groupList(resources);
  const list = /^\/(?:api\/(v1)|apis\/([^/]+\/[^/]+))$/.exec(path);
  return list === null ? null : resourceList(list[1] ?? list[2] ?? "", resources);
}
