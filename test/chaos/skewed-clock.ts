// Loaded before the program (NODE_OPTIONS=--import): the wall clock of this process goes wrong by so many milliseconds as the
// file named by GITMEND_TEST_CLOCK says, from each SIGUSR2 on. Monotonic time is as it is, as on a machine whose clock is set.
import { readFileSync } from "node:fs";
import { isMainThread } from "node:worker_threads";

const file = process.env["GITMEND_TEST_CLOCK"];
const RealDate = Date;
let offset = 0;

class SkewedDate extends RealDate {
  constructor(...args: [] | ConstructorParameters<typeof Date>) {
    if (args.length === 0) super(RealDate.now() + offset);
    else super(...(args as [number]));
  }
  static override now(): number {
    return RealDate.now() + offset;
  }
}

if (file !== undefined && isMainThread) {
  globalThis.Date = SkewedDate as DateConstructor;
  process.on("SIGUSR2", () => {
    offset = Number(readFileSync(file, "utf8"));
  });
}
