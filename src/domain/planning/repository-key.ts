// When two addresses name the same repository. Only entries of gitmend.yaml are ever contacted: an address that comes from a
// cluster only picks one of them.

/** `host/team/repo`, with a port that is not the scheme's own; a path for a repository on disk. null: no address. */
export function repositoryKey(url: string): string | null {
  // oxlint-disable-next-line no-control-regex -- an address with a line break is no address
  if (/[\u0000-\u0020\u007f\\%?#]/.test(url) || url === "" || url.startsWith("-")) return null;
  const scp = /^(?:[\w.-]+@)?([\w.-]+):(?!\/\/)([^:@]+)$/.exec(url);
  if (scp !== null && !url.includes("://")) return keyOf(scp[1] ?? "", scp[2] ?? "");
  if (url.startsWith("/")) return pathKey(url);
  if (!URL.canParse(url)) return null;
  const { protocol, hostname, port, pathname } = new URL(url);
  if (protocol === "file:") return hostname === "" ? pathKey(pathname) : null;
  if (!["https:", "http:", "ssh:"].includes(protocol) || hostname === "") return null;
  const standard = protocol === "ssh:" && port === "22";
  return keyOf(port === "" || standard ? hostname : `${hostname}:${port}`, pathname);
}

function keyOf(host: string, path: string): string | null {
  const parts = pathParts(path);
  return parts === null || parts.length === 0 ? null : `${host.toLowerCase()}/${parts.join("/")}`;
}

function pathKey(path: string): string | null {
  const parts = pathParts(path);
  return parts === null ? null : `/${parts.join("/")}`;
}

function pathParts(path: string): readonly string[] | null {
  const parts = path.split("/").filter((part) => part !== "");
  if (parts.some((part) => part === "." || part === "..")) return null;
  return parts.map((part, index) => (index === parts.length - 1 ? part.replace(/\.git$/, "") : part));
}
