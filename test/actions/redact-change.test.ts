import { describe, expect, it } from "vitest";
import { redactChange } from "../../src/actions/redact-change.ts";

describe("secrets in a diff", () => {
  it("hides an environment variable's value and still says that it changed", () => {
    const pointer = "/spec/template/spec/containers/0/env/1/value";
    expect(redactChange({ pointer, before: "hunter2", after: "hunter3" })).toEqual({
      pointer,
      before: "[redacted]",
      after: "[redacted], changed",
    });
  });

  it("hides environment values inside a container that was added whole", () => {
    const after = [{ name: "side", env: [{ name: "DATABASE_URL", value: "postgres://db/x" }] }];
    const text = JSON.stringify(redactChange({ pointer: "/spec/template/spec/containers", after }));
    expect(text).toContain("DATABASE_URL");
    expect(text).not.toContain("postgres://db");
  });

  it("hides what stands under a name that sounds like a secret, and the value after such a flag", () => {
    const pointer = "/metadata/annotations/example.com~1api-key";
    expect(redactChange({ pointer, after: "abc" }).after).toBe("[redacted]");
    const args = redactChange({ pointer: "/spec/args", after: ["--db-password", "hunter2", "--port=80"] });
    expect(args.after).toEqual(["--db-password", "[redacted]", "--port=80"]);
  });

  it("leaves alone what names a Secret without holding one", () => {
    const change = {
      pointer: "/spec/volumes/0",
      after: { secret: { secretName: "tls" }, ref: { secretKeyRef: { name: "db", key: "password" } } },
    };
    expect(redactChange(change)).toEqual(change);
  });

  it("shows an image that changed as it is", () => {
    const change = { pointer: "/spec/image", before: "api:1", after: "api:2" };
    expect(redactChange(change)).toEqual(change);
  });
});
