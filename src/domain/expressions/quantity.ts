// Kubernetes quantities, exact: "64Mi", "250m", "1.5Gi", "1e3". The value is counted in billionths (the smallest suffix, n).
import { Problem } from "../problem.ts";

const nano = 1_000_000_000n;
const decimal = {
  n: 1n,
  u: 1_000n,
  m: 1_000_000n,
  "": nano,
  k: nano * 10n ** 3n,
  M: nano * 10n ** 6n,
  G: nano * 10n ** 9n,
  T: nano * 10n ** 12n,
  P: nano * 10n ** 15n,
  E: nano * 10n ** 18n,
} as const;
const binary = {
  Ki: nano << 10n,
  Mi: nano << 20n,
  Gi: nano << 30n,
  Ti: nano << 40n,
  Pi: nano << 50n,
  Ei: nano << 60n,
} as const;
const factors: Readonly<Record<string, bigint>> = { ...decimal, ...binary };
const scale = 1_000_000n;

/** Immutable; CEL knows it as a type of its own. */
export class Quantity {
  readonly nanos: bigint;
  readonly family: "decimal" | "binary";
  constructor(nanos: bigint, family: "decimal" | "binary") {
    this.nanos = nanos;
    this.family = family;
  }
}

/** @throws Problem EXPRESSION_FAILED when the text is no quantity. */
export function parseQuantity(text: string): Quantity {
  const parts = /^([+-]?)(\d{1,20})(?:\.(\d{1,9}))?(?:([eE][+-]?\d{1,2})|([KMGTPE]i|[numkMGTPE]))?$/.exec(
    text,
  );
  if (parts === null)
    throw new Problem("EXPRESSION_FAILED", `"${text}" is not a quantity: write 64Mi, 250m or 2`);
  const [, sign, whole = "0", fraction = "", exponent, suffix = ""] = parts;
  const unit = factors[suffix] ?? nano;
  const digits = BigInt(whole + fraction);
  const power = BigInt(exponent?.slice(1) ?? 0) - BigInt(fraction.length);
  const size = power >= 0n ? digits * unit * 10n ** power : (digits * unit) / 10n ** -power;
  return new Quantity(sign === "-" ? -size : size, suffix.endsWith("i") ? "binary" : "decimal");
}

/** The largest unit of its family that leaves a whole number. */
export function quantityText(quantity: Quantity): string {
  const { nanos, family } = quantity;
  const units = Object.entries(
    family === "binary" ? { ...decimal, k: 0n, M: 0n, G: 0n, T: 0n, P: 0n, E: 0n, ...binary } : decimal,
  );
  const usable = units.filter(([, size]) => size > 0n && nanos !== 0n && nanos % size === 0n);
  const [suffix, size] = usable.toSorted(([, left], [, right]) => (left < right ? 1 : -1))[0] ?? ["", nano];
  return `${nanos / size}${suffix}`;
}

export function addQuantities(left: Quantity, right: Quantity): Quantity {
  return new Quantity(left.nanos + right.nanos, left.family);
}

export function subtractQuantities(left: Quantity, right: Quantity): Quantity {
  return new Quantity(left.nanos - right.nanos, left.family);
}

/** Rounds a fractional factor to millionths, and a binary result (memory) up to whole units. */
export function multiplyQuantity(quantity: Quantity, factor: bigint | number): Quantity {
  const product =
    typeof factor === "bigint"
      ? quantity.nanos * factor
      : (quantity.nanos * BigInt(Math.round(factor * Number(scale)))) / scale;
  return new Quantity(quantity.family === "binary" ? wholeUnits(product) : product, quantity.family);
}

/** @throws Problem EXPRESSION_FAILED when the divisor is 0. */
export function divideQuantity(quantity: Quantity, divisor: bigint | number): Quantity {
  const scaled = typeof divisor === "bigint" ? divisor * scale : BigInt(Math.round(divisor * Number(scale)));
  if (scaled === 0n) throw new Problem("EXPRESSION_FAILED", "a quantity is divided by zero");
  const quotient = (quantity.nanos * scale) / scaled;
  return new Quantity(quantity.family === "binary" ? wholeUnits(quotient) : quotient, quantity.family);
}

/** Bytes have no fractions; up, as the API server rounds. */
function wholeUnits(nanos: bigint): bigint {
  const rest = nanos % nano;
  return rest > 0n ? nanos - rest + nano : nanos - rest;
}
