import { createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import { givenServer } from "./given-server.ts";

const secret = "a secret of the webhook";
const body = JSON.stringify({ ref: "refs/heads/main", after: "0".repeat(40), text: "grün" });
const hmac = (text: string | Buffer, key = secret) => createHmac("sha256", key).update(text).digest("hex");

const givenPush = async (own: string | null = secret) => {
  let pushes = 0;
  const named: string[] = [];
  const announced = (requests: readonly string[]) => {
    pushes += 1;
    named.push(...requests);
  };
  const given = await givenServer({}, { push: { secrets: own === null ? [] : [own], announced } });
  const post = (forge: string, headers: Record<string, string>, sent: string | Buffer = body) =>
    given.send(`/webhooks/${forge}`, { method: "POST", headers, body: sent });
  return { given, post, pushes: () => pushes, named, [Symbol.asyncDispose]: () => given.server.close(0) };
};
const proofs = {
  github: { "x-hub-signature-256": `sha256=${hmac(body)}` },
  gitea: { "x-gitea-signature": hmac(body) },
  gitlab: { "x-gitlab-token": secret },
};

describe.each(Object.entries(proofs))("a push that %s announces", (forge, proof) => {
  it("makes gitmend look at the repository, whatever its body says", async () => {
    await using push = await givenPush();
    expect((await push.post(forge, proof)).status).toBe(202);
    expect(push.pushes()).toBe(1);
  });

  it("is nothing when the secret is another, or not given", async () => {
    await using push = await givenPush("another secret");
    for (const headers of [proof, {}]) {
      const answer = await push.post(forge, headers as Record<string, string>);
      expect([answer.status, answer.json.code]).toEqual([401, "UNAUTHENTICATED"]);
      expect(answer.text).not.toContain("another secret");
    }
    expect(push.pushes()).toBe(0);
  });

  it("finds nobody at home while no secret is configured, nor with another method", async () => {
    await using closed = await givenPush(null);
    expect((await closed.post(forge, proof)).status).toBe(404);
    await using push = await givenPush();
    expect((await push.given.send(`/webhooks/${forge}`, { headers: proof })).status).toBe(404);
    expect(push.pushes() + closed.pushes()).toBe(0);
  });
});

describe("a signature", () => {
  it.each([
    ["of another body", `sha256=${hmac("other")}`],
    ["without its name", hmac(body)],
    ["that is cut off", `sha256=${hmac(body).slice(0, 63)}`],
    ["with something behind it", `sha256=${hmac(body)}00`],
    ["in SHA-1", `sha1=${createHmac("sha1", secret).update(body).digest("hex")}`],
    ["of nothing", "sha256="],
  ])("%s does not count", async (_, signature) => {
    await using push = await givenPush();
    expect((await push.post("github", { "x-hub-signature-256": signature })).status).toBe(401);
    expect(push.pushes()).toBe(0);
  });

  it("counts for bytes, whatever they are", async () => {
    await using push = await givenPush();
    const bytes = Buffer.from([0, 255, 10, 13, 0xc3]);
    const signed = { "x-hub-signature-256": `sha256=${hmac(bytes)}` };
    expect((await push.post("github", signed, bytes)).status).toBe(202);
    const empty = { "x-hub-signature-256": `sha256=${hmac("")}` };
    expect((await push.post("github", empty, "")).status).toBe(202);
  });

  it("of more than 25 MiB is not worked out", async () => {
    await using push = await givenPush();
    const huge = Buffer.alloc(25 * 1024 * 1024 + 1);
    const answer = await push.post("github", { "x-hub-signature-256": `sha256=${hmac(huge)}` }, huge);
    expect([answer.status, answer.json.code]).toEqual([413, "PAYLOAD_TOO_LARGE"]);
    expect(push.pushes()).toBe(0);
  });
});

describe("an announcement that comes again", () => {
  it("is one more nudge, and no more than that", async () => {
    await using push = await givenPush();
    const answers = await Promise.all(Array.from({ length: 200 }, () => push.post("github", proofs.github)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
    expect(push.pushes()).toBe(200);
  });
});

describe("news of a request for approval", () => {
  const news = JSON.stringify({
    pull_request: { head: { ref: "gitmend/0123456789ab" } },
    again: "gitmend/0123456789ab",
  });
  const signedBy = (text: string) => ({ "x-hub-signature-256": `sha256=${hmac(text)}` });

  it("names the execution, once", async () => {
    await using push = await givenPush();
    expect((await push.post("github", signedBy(news), news)).status).toBe(202);
    expect(push.named).toEqual(["0123456789ab"]);
  });

  it("names it too where the body arrives in pieces, and names no more than ten", async () => {
    await using push = await givenPush();
    const ids = Array.from({ length: 40 }, (_, index) => String(index).padStart(12, "0"));
    const long = JSON.stringify({ text: ids.map((id) => `${"x".repeat(9_000)} gitmend/${id}`) });
    expect((await push.post("github", signedBy(long), long)).status).toBe(202);
    expect(push.named).toEqual(ids.slice(0, 10));
  });

  it("that is forged, or names what is no execution, names nothing", async () => {
    await using push = await givenPush();
    expect(
      (await push.post("github", { "x-hub-signature-256": `sha256=${"0".repeat(64)}` }, news)).status,
    ).toBe(401);
    const other = JSON.stringify({ ref: "gitmend/0123456789abcdef", more: "gitmend/xyz" });
    expect((await push.post("github", signedBy(other), other)).status).toBe(202);
    expect(push.named).toEqual([]);
  });
});
