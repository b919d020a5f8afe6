// Kubernetes quantities as numbers: near enough to add and compare, and written as the API server writes them.
import type { Json } from "./objects.ts";

const units: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

export function amount(value: Json | undefined): number {
  const text = typeof value === "string" || typeof value === "number" ? String(value) : "";
  const [, digits = "", unit = ""] = /^(.*?)([EPTGMK]i|[numkMGTPE])?$/.exec(text) ?? [];
  return Number(digits) * (units[unit] ?? 1);
}

/** `2`, `250m`, `512Mi`: in thousandths where it is no whole number, in the largest binary unit where it is a multiple of 1024. */
export function amountText(value: number): string {
  if (!Number.isInteger(value)) return `${Math.round(value * 1000)}m`;
  const binary = ["Ei", "Pi", "Ti", "Gi", "Mi", "Ki"].find(
    (unit) => value !== 0 && value % units[unit]! === 0,
  );
  return binary === undefined ? String(value) : `${value / units[binary]!}${binary}`;
}
