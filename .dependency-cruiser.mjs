// Who may import whom. The decision rooms are listed in order: each may use only the rooms before it.
// test/rooms.test.ts plants a forbidden import and fails if this table does not see it.
const decision = ["facts", "expressions", "templates", "policies", "planning", "gate", "intake", "execution", "audit", "effectiveness", "policy-tests"];
const domainPackages = ["json-rules-engine", "@marcbachmann/cel-js", "re2js", "yaml", "ajv", "canonicalize", "immutable"];

const decisionRules = decision.map((room, index) => ({
  name: `domain-${room}-uses-only-earlier-rooms`,
  severity: "error",
  from: { path: `^src/domain/${room}/` },
  to: { path: "^src/", pathNot: `^src/domain/([^/]+$|(${decision.slice(0, index + 1).join("|")})/)` },
}));

const mayImport = {
  actions: ["domain", "actions"],
  controller: ["domain", "actions", "controller"],
  adapters: ["domain", "actions", "controller", "adapters"],
  simulation: ["simulation"],
  server: ["domain", "actions", "controller", "config", "server"],
  cli: ["domain", "actions", "controller", "config", "cli", "simulation"],
  config: ["domain", "config"],
};
const roomRules = Object.entries(mayImport).map(([room, allowed]) => ({
  name: `${room}-imports`,
  severity: "error",
  from: { path: `^src/${room}/` },
  to: { path: "^src/", pathNot: `^src/(${allowed.join("|")})/${room === "cli" ? "|^src/app\\.ts$" : ""}` },
}));

export default {
  forbidden: [
    {
      name: "domain-root-imports-nothing",
      severity: "error",
      from: { path: "^src/domain/[^/]+$" },
      to: { path: "^src/", pathNot: "^src/domain/[^/]+$" },
    },
    ...decisionRules,
    ...roomRules,
    {
      name: "domain-packages",
      severity: "error",
      from: { path: "^src/domain/" },
      to: { path: "node_modules|^node:", pathNot: `node_modules/(${domainPackages.join("|")})/|^node:crypto$|^crypto$` },
    },
    {
      name: "domain-node-builtins",
      severity: "error",
      from: { path: "^src/domain/" },
      to: { dependencyTypes: ["core"], pathNot: "^(node:)?crypto$" },
    },
    {
      name: "adapters-take-types-only",
      comment: "ports.ts and action.ts are interfaces; their few runtime values live in domain",
      severity: "error",
      from: { path: "^src/adapters/" },
      to: { path: "^src/(controller|actions)/", dependencyTypesNot: ["type-only"] },
    },
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    doNotFollow: { path: "node_modules" },
  },
};
