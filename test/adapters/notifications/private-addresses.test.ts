import { describe, expect, it } from "vitest";
import { isPrivateAddress } from "../../../src/adapters/notifications/private-addresses.ts";

describe("an address that a notification must not reach", () => {
  it.each([
    "127.0.0.1",
    "10.1.2.3",
    "172.31.255.255",
    "192.168.0.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fd00::1",
    "::ffff:127.0.0.1",
    "::ffff:a9fe:a9fe",
    "64:ff9b::a00:1",
    "example.com",
    "",
  ])("%s", (address) => {
    expect(isPrivateAddress(address)).toBe(true);
  });

  it.each(["1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "::ffff:8.8.8.8"])(
    "is not %s",
    (address) => {
      expect(isPrivateAddress(address)).toBe(false);
    },
  );
});
