/** Checks of single values. Each message names the option, what is accepted and what came. */
import type { Signal } from "../api.js";
import { MoqError } from "../errors.js";

export function invalid(message: string): MoqError {
  return new MoqError("invalid_argument", message);
}

/** A short picture of a wrong value. */
export function show(value: unknown): string {
  if (value === null) return "null";
  if (typeof value === "string")
    return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (typeof value === "object") return Object.prototype.toString.call(value).slice(8, -1);
  return `${String(value)} (${typeof value})`;
}

export function asObject<T extends object>(
  call: string,
  options: T | undefined,
  names: readonly string[],
): T {
  if (options === undefined) return {} as T;
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw invalid(`The options of ${call} must be an object, got ${show(options)}.`);
  }
  for (const name of Object.keys(options)) {
    if (names.includes(name)) continue;
    const close =
      names.find((known) => known.toLowerCase() === name.toLowerCase()) ?? nearest(name, names);
    const hint = close === undefined ? "" : ` Did you mean ${close}?`;
    throw invalid(
      `${call} has no option ${JSON.stringify(name)}.${hint} Known options: ${names.join(", ")}.`,
    );
  }
  return options;
}

/** The known name with at most two edits, if there is one. */
export function nearest(name: string, names: readonly string[]): string | undefined {
  if (name.length > 64) return undefined;
  return names.find((known) => editDistance(name.toLowerCase(), known.toLowerCase()) <= 2);
}

export function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(swap, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    previous = row;
  }
  return previous[b.length] ?? 0;
}

export function integer(
  name: string,
  value: unknown,
  fallback: number,
  min: number,
  max: number,
  unit = "",
): number {
  if (value === undefined) return fallback;
  if (typeof value !== "number" || !Number.isInteger(value) || value < min || value > max) {
    const what = unit === "" ? "a whole number" : `a whole number of ${unit}`;
    throw invalid(`${name} must be ${what} from ${min} to ${max}, got ${show(value)}.`);
  }
  return value;
}

export function boolean(name: string, value: unknown, fallback: boolean): boolean {
  if (value === undefined) return fallback;
  if (typeof value !== "boolean")
    throw invalid(`${name} must be true or false, got ${show(value)}.`);
  return value;
}

export function oneOf<T extends string>(
  name: string,
  value: unknown,
  fallback: T,
  accepted: readonly T[],
): T {
  if (value === undefined) return fallback;
  if (typeof value !== "string" || !accepted.includes(value as T)) {
    throw invalid(
      `${name} must be one of ${accepted.map((a) => JSON.stringify(a)).join(", ")}, got ${show(value)}.`,
    );
  }
  return value as T;
}

export function signal(value: unknown): Signal | undefined {
  if (value === undefined) return undefined;
  const s = value as Partial<Signal> | null;
  if (
    typeof s !== "object" ||
    s === null ||
    typeof s.aborted !== "boolean" ||
    typeof s.addEventListener !== "function" ||
    typeof s.removeEventListener !== "function"
  ) {
    throw invalid(
      `signal must be an AbortSignal or have aborted, addEventListener and removeEventListener, got ${show(value)}.`,
    );
  }
  return value as Signal;
}
