import { defineConfig } from "vitest/config";

// unit: no process but this one · integration: real PostgreSQL, Git, HTTP · kubernetes: a real API server
// (or the simulated cluster when none is named) · e2e: everything together.
// Two files at a time, e2e too: each starts its own database, cluster and replicas, and mostly waits for them. Integration tests wait
// for Git and for the database, so there are three.
const project = (
  name: string,
  include: string[],
  testTimeout: number,
  exclude: string[] = [],
  maxWorkers = 2,
) => ({
  test: {
    name,
    include,
    exclude,
    testTimeout,
    hookTimeout: 120_000,
    pool: "forks" as const,
    maxWorkers,
  },
});
const special = ["test/**/*.{integration,kubernetes,e2e}.test.ts"];

export default defineConfig({
  test: {
    projects: [
      project("unit", ["test/**/*.test.ts"], 30_000, special),
      project("integration", ["test/**/*.integration.test.ts"], 60_000, [], 3),
      project("kubernetes", ["test/**/*.kubernetes.test.ts"], 120_000),
      project("e2e", ["test/**/*.e2e.test.ts"], 240_000),
    ],
  },
});
