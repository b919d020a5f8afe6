// npm scripts find node_modules/.bin/node (Node 24) first. When its install script was blocked, the system's
// older node would run instead and fail in odd ways: stop with a clear text.
const major = Number(process.versions.node.split(".")[0]);
if (major < 24) {
  console.error(
    `gitmend needs Node 24 or later; this is ${process.version}.\n` +
      "npm ci installs it as the package `node`; if its install script was blocked, run: npm rebuild node",
  );
  process.exit(1);
}
