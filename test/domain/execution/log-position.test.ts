// Places in the log of all events, as readers send them back.
import { describe, expect, it } from "vitest";
import {
  beforeTransaction,
  isAfter,
  positionText,
  readPosition,
} from "../../../src/domain/execution/log-position.ts";

const id = "0199f3c2-5b1e-7c4d-9a2f-7c1e2a4b9d0f";
const other = "0199f3c2-5b1e-7c4d-9a2f-7c1e2a4b9d10";

describe("a place in the log of all events", () => {
  it.each([beforeTransaction(8123n), { xid: 2n ** 64n - 1n, executionId: id, seq: 4 }])(
    "is read as it was written: %o",
    (position) => expect(readPosition(positionText(position))).toEqual(position),
  );

  it.each([
    "",
    " 1",
    "1 ",
    "1.",
    `1.${id}`,
    `1.${id}.0`,
    `1.${id}.1.`,
    `1.${id}.1234567890`,
    "18446744073709551616",
    "٣",
    "1\n",
  ])("is nothing that nobody wrote: %j", (text) => expect(readPosition(text)).toBeNull());

  it("stands in the order of transactions, executions and events, whatever the length of their numbers", () => {
    const inOrder = [
      beforeTransaction(9n),
      { xid: 9n, executionId: id, seq: 9 },
      { xid: 9n, executionId: id, seq: 10 },
      { xid: 9n, executionId: other, seq: 1 },
      beforeTransaction(10n),
      { xid: 10n, executionId: id, seq: 11 },
    ];
    for (const [index, one] of inOrder.entries())
      expect(inOrder.map((before) => isAfter(one, before))).toEqual(inOrder.map((_, at) => at < index));
  });
});
