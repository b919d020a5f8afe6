import { describe, expect, it } from "vitest";
import { alertmanagerAddresses, confirm, webhookSources } from "../src/app-settings.ts";
import { type Config, readConfig } from "../src/config/read-config.ts";

function configOf(text: string): Config {
  const { config, findings } = readConfig(text, "gitmend.yaml", {});
  if (config === null) throw new Error(JSON.stringify(findings));
  return config;
}

const two = configOf(`
clusters: [{name: prod-eu}, {name: prod-us}]
alertmanagers:
  - {name: eu, clusters: [prod-eu], namespaces: [shop, "team-*"], credential: {bearer: {env: EU}}}
  - {name: us, url: "http://am:9093", url_credential: {basic: {username: gitmend, password: {env: US}}}}
`);
const environment = { EU: "eu-token", US: "us-secret" };

describe("the Alertmanagers of gitmend.yaml", () => {
  it("speak for their clusters and namespaces; left out, for all", () => {
    expect(webhookSources(two, environment, ["prod-eu", "prod-us"])).toEqual([
      {
        name: "eu",
        clusters: ["prod-eu"],
        clusterLabel: "cluster",
        namespaces: ["shop", "team-*"],
        credential: { type: "bearer", token: "eu-token" },
      },
      { name: "us", clusters: ["prod-eu", "prod-us"], clusterLabel: "cluster", credential: null },
    ]);
  });

  it("are asked where they have a url, with a credential of its own", () => {
    const [us, ...others] = alertmanagerAddresses(two, environment, ["prod-eu"]);
    expect(others).toEqual([]);
    expect(us).toMatchObject({ source: { name: "us", clusters: ["prod-eu"] }, url: "http://am:9093" });
    expect(us?.authorization).toBe(`Basic ${Buffer.from("gitmend:us-secret").toString("base64")}`);
  });
});

describe("confirm", () => {
  it("asks nobody unless it is said", () => {
    expect(confirm(configOf(""))).toBe("off");
  });

  it.each([
    ["confirm: alertmanager", /none has one/],
    ["confirm: alertmanager\nalertmanagers: [{name: eu}]", /none has one/],
    ["confirm: prometheus", /none is configured/],
  ])("that could ask nobody is refused at the start: %j", (text, reason) => {
    expect(() => confirm(configOf(text))).toThrow(reason);
  });

  it("asks whom it can", () => {
    expect(confirm(configOf("confirm: prometheus\nprometheus: [{url: 'http://p:9090'}]"))).toBe("prometheus");
    expect(
      confirm(configOf("confirm: alertmanager\nalertmanagers: [{name: eu, url: 'http://a:9093'}]")),
    ).toBe("alertmanager");
  });
});
