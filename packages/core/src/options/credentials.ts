/** Validation of the token and of certificate hashes. */
import type { TokenSource } from "../api.js";
import { MoqError } from "../errors.js";
import { invalid, show } from "./check.js";
import { isWellFormed, utf8Length } from "./names.js";

export function token(value: unknown): string | Uint8Array | TokenSource | undefined {
  if (value === undefined) return undefined;
  return typeof value === "function" ? (value as TokenSource) : tokenValue(value);
}

/** The token for one connection. Rejects with `unauthorized` when its source fails. */
export async function currentToken(
  token: string | Uint8Array | TokenSource | undefined,
): Promise<string | Uint8Array | undefined> {
  if (typeof token !== "function") return token;
  let given: unknown;
  try {
    given = await token();
  } catch (error) {
    throw new MoqError("unauthorized", `The option token failed: ${String(error)}.`, {
      cause: error,
      retryable: true,
    });
  }
  return tokenValue(given);
}

function tokenValue(value: unknown): string | Uint8Array {
  const length =
    typeof value === "string" ? utf8Length(value) : isBytes(value) ? value.byteLength : -1;
  if (length < 0)
    throw invalid(
      `token must be a string, a Uint8Array or a function that gives one, got ${show(value)}.`,
    );
  if (typeof value === "string" && !isWellFormed(value)) {
    throw invalid("token has half a surrogate pair, which UTF-8 cannot carry. Give its bytes.");
  }
  if (length > 32_768) throw invalid(`token has ${length} bytes; at most 32,768 are accepted.`);
  return value as string | Uint8Array;
}

function isBytes(value: unknown): value is Uint8Array {
  return Object.prototype.toString.call(value) === "[object Uint8Array]";
}

export function certificateHashes(value: unknown): readonly Uint8Array[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) {
    throw invalid(
      `serverCertificateHashes must be an array, got ${show(value)}. Example: ["<64 hexadecimal digits>"].`,
    );
  }
  if (value.length > 64)
    throw invalid(`serverCertificateHashes has ${value.length} entries; at most 64 are accepted.`);
  return value.map((entry: unknown, index) => certificateHash(entry, index));
}

function certificateHash(entry: unknown, index: number): Uint8Array {
  const name = `serverCertificateHashes[${index}]`;
  if (typeof entry === "string") {
    // Tools print fingerprints with colons between the bytes.
    const digits = entry.replace(/:/g, "").trim();
    if (!/^[0-9a-fA-F]{64}$/.test(digits)) {
      throw invalid(
        `${name} must have 64 hexadecimal digits (SHA-256 of the certificate), got ${show(entry)}.`,
      );
    }
    const bytes = new Uint8Array(32);
    for (let i = 0; i < 32; i++) bytes[i] = Number.parseInt(digits.slice(i * 2, i * 2 + 2), 16);
    return bytes;
  }
  const hash = entry as { readonly algorithm?: unknown; readonly value?: unknown } | null;
  if (typeof hash !== "object" || hash === null || hash.algorithm !== "sha-256") {
    throw invalid(
      `${name} must be 64 hexadecimal digits or { algorithm: "sha-256", value: bytes }, got ${show(entry)}.`,
    );
  }
  const bytes = copyBuffer(hash.value);
  if (bytes?.byteLength !== 32) {
    throw invalid(
      `${name}.value must be 32 bytes (SHA-256), got ${bytes === undefined ? show(hash.value) : `${bytes.byteLength} bytes`}.`,
    );
  }
  return bytes;
}

function copyBuffer(value: unknown): Uint8Array | undefined {
  if (Object.prototype.toString.call(value) === "[object ArrayBuffer]")
    return new Uint8Array(value as ArrayBuffer).slice();
  if (!ArrayBuffer.isView(value)) return undefined;
  return new Uint8Array(value.buffer as ArrayBuffer, value.byteOffset, value.byteLength).slice();
}
