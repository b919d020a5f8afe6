import { describe, expect, it } from "vitest";
import { repositoryKey } from "../../../src/domain/planning/repository-key.ts";

const entry = repositoryKey("https://git.example.org/shop/deploy.git");

describe("an address that a cluster names", () => {
  it.each([
    "https://git.example.org/shop/deploy",
    "https://GIT.example.ORG:443/shop/deploy.git/",
    "ssh://git@git.example.org/shop/deploy.git",
    "ssh://git@git.example.org:22/shop/deploy",
    "git@git.example.org:shop/deploy.git",
    "https://somebody@git.example.org/shop/deploy",
  ])("is the configured repository as %s", (url) => {
    expect(repositoryKey(url)).toBe(entry);
  });

  it.each([
    "https://git.example.org@evil.example/shop/deploy.git",
    "https://evil.example/git.example.org/shop/deploy.git",
    "https://git.example.org.evil.example/shop/deploy",
    "https://git.exаmple.org/shop/deploy",
    "https://git.example.org:8443/shop/deploy",
    "https://git.example.org/shop/Deploy",
    "https://git.example.org/shop/deploy/more",
    "https://git.example.org/shop/%64eploy",
    "https://git.example.org/shop/deploy?service=x",
    "https://git.example.org\\@evil.example/shop/deploy",
    "https://git.example.org/shop/deploy\n",
    "git@evil.example:git.example.org/shop/deploy",
    "git@git.example.org:../shop/deploy",
    "ext::sh -c id",
    "ext::git.example.org/shop/deploy",
    "file://git.example.org/shop/deploy",
    "/git.example.org/shop/deploy",
    "--upload-pack=id",
    "",
  ])("is another, or none, as %j", (url) => {
    expect(repositoryKey(url)).not.toBe(entry);
  });
});
