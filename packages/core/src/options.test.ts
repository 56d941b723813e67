import { describe, expect, it } from "vitest";
import { MoqError } from "./errors.js";
import {
  resolveClientOptions,
  resolveFetchOptions,
  resolveNamespace,
  resolveNamespacePrefix,
  resolvePublishOptions,
  resolveSubscribeOptions,
  resolveTrack,
  utf8Length,
} from "./options.js";

/** The message of the refusal; fails when there is none. */
function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(MoqError);
    expect((error as MoqError).code).toBe("invalid_argument");
    return (error as MoqError).message;
  }
  throw new Error("expected a refusal");
}

// As an application without types would call.
const loose = <T>(value: unknown): T => value as T;

describe("options", () => {
  it("fills in defaults", () => {
    expect(resolveClientOptions(undefined)).toMatchObject({
      connectTimeout: 10_000,
      keepAlive: 4_000,
    });
    expect(resolvePublishOptions({})).toMatchObject({ delivery: "reliable", priority: 128 });
    expect(resolveSubscribeOptions(undefined)).toMatchObject({ start: "latest-group", wait: 0 });
  });

  it("names unknown options and suggests the one that was meant", () => {
    expect(refusal(() => resolvePublishOptions(loose({ Delivery: "latest" })))).toMatch(
      /no option "Delivery". Did you mean delivery\? Known options: delivery,/,
    );
    expect(refusal(() => resolveClientOptions(loose({ conectTimeout: 5 })))).toMatch(
      /connectTimeout\?/,
    );
    expect(refusal(() => resolveSubscribeOptions(loose({ colour: 5 })))).not.toMatch(
      /Did you mean/,
    );
    expect(resolveClientOptions(loose({ worker: true }), ["worker"]).keepAlive).toBe(4_000);
  });

  it("names option, accepted values and what came", () => {
    expect(refusal(() => resolvePublishOptions(loose({ delivery: "fast" })))).toBe(
      'delivery must be one of "reliable", "latest", "deadline", "datagram", got "fast".',
    );
    expect(refusal(() => resolvePublishOptions({ priority: 256 }))).toBe(
      "priority must be a whole number from 0 to 255, got 256 (number).",
    );
    expect(refusal(() => resolvePublishOptions({ delivery: "deadline", deadline: 0 }))).toMatch(
      /deadline must be a whole number of ms from 1 to 60000/,
    );
    expect(refusal(() => resolvePublishOptions({ deadline: 50 }))).toMatch(/"deadline" only/);
    expect(refusal(() => resolveSubscribeOptions(loose({ unordered: 1 })))).toMatch(
      /true or false/,
    );
    expect(refusal(() => resolveSubscribeOptions(loose({ signal: {} })))).toMatch(/AbortSignal/);
    // It would be missed at the end only.
    const half = { aborted: false, addEventListener: () => {} };
    expect(refusal(() => resolveSubscribeOptions(loose({ signal: half })))).toMatch(
      /removeEventListener/,
    );
    expect(refusal(() => resolveClientOptions({ keepAlive: 9_000, idleTimeout: 5_000 }))).toMatch(
      /keepAlive \(9000 ms\) must not be above idleTimeout/,
    );
    expect(refusal(() => resolveFetchOptions(loose({})))).toMatch(/fromGroup and toGroup/);
    expect(refusal(() => resolveFetchOptions({ fromGroup: 5, toGroup: 4 }))).toMatch(
      /below fromGroup/,
    );
    expect(refusal(() => resolveClientOptions(loose("x")))).toMatch(/must be an object, got "x"/);
  });

  it("reads certificate hashes in every accepted form", () => {
    const hex = "00112233445566778899aabbccddeeff".repeat(2);
    const bytes = new Uint8Array(32).fill(7);
    const { serverCertificateHashes } = resolveClientOptions({
      serverCertificateHashes: [
        hex,
        (hex.toUpperCase().match(/../g) ?? []).join(":"),
        { algorithm: "sha-256", value: bytes },
        { algorithm: "sha-256", value: bytes.buffer },
      ],
    });
    expect(serverCertificateHashes.map((hash) => [hash[1], hash.length])).toEqual([
      [0x11, 32],
      [0x11, 32],
      [7, 32],
      [7, 32],
    ]);
    expect(refusal(() => resolveClientOptions({ serverCertificateHashes: ["abc"] }))).toMatch(
      /serverCertificateHashes\[0\] must have 64 hexadecimal digits.*got "abc"/,
    );
    expect(
      refusal(() =>
        resolveClientOptions({
          serverCertificateHashes: [{ algorithm: "sha-256", value: new Uint8Array(20) }],
        }),
      ),
    ).toMatch(/32 bytes.*got 20 bytes/);
  });
});

describe("names", () => {
  it("splits strings and ignores one trailing slash", () => {
    expect(resolveNamespace("match/42")).toEqual(["match", "42"]);
    expect(resolveNamespace("match/42/")).toEqual(["match", "42"]);
    expect(resolveNamespace(["a/b", "c"])).toEqual(["a/b", "c"]);
    expect(resolveNamespacePrefix("")).toEqual([]);
    expect(resolveTrack(["match/42", "poses"])).toEqual({
      namespace: ["match", "42"],
      name: "poses",
    });
  });

  it("refuses what would end the session", () => {
    expect(refusal(() => resolveNamespace(""))).toMatch(/empty/);
    expect(refusal(() => resolveNamespace("a//b"))).toMatch(/field 1 of "a\/\/b" is empty/);
    expect(refusal(() => resolveNamespace("/a"))).toMatch(/field 0/);
    expect(refusal(() => resolveNamespace("a//"))).toMatch(/field 1/);
    expect(refusal(() => resolveNamespace(Array.from({ length: 33 }, () => "a")))).toMatch(
      /33 fields/,
    );
    expect(refusal(() => resolveTrack(["a", "n".repeat(4_096)]))).toMatch(
      /4097 bytes; at most 4096/,
    );
    expect(refusal(() => resolveTrack(["ä".repeat(2_048), "n"]))).toMatch(/4097 bytes/);
    expect(refusal(() => resolveTrack(loose("a/b")))).toMatch(/\[namespace, name\]/);
    expect(refusal(() => resolveTrack(["a", ""]))).toMatch(/not empty/);
    for (const half of ["\ud800", "a\udc00", "\ud83ca", "\udf89\ud83c"]) {
      expect(refusal(() => resolveTrack(["a", half]))).toMatch(/half a surrogate pair/);
      expect(refusal(() => resolveNamespace(["a", half]))).toMatch(/half a surrogate pair/);
      expect(refusal(() => resolveClientOptions({ token: half }))).toMatch(/half a surrogate/);
    }
    expect(resolveTrack(["a", "🎮\0"]).name).toBe("🎮\0");
    expect(refusal(() => resolveNamespace(loose([1])))).toMatch(/field 0 must be a string, got 1/);
  });

  it("counts bytes as UTF-8 does", () => {
    const encoder = new TextEncoder();
    for (const text of ["", "abc", "äöü", "€", "🎮🎮", "\ud800", "\udc00x"]) {
      expect(utf8Length(text)).toBe(encoder.encode(text).length);
    }
  });
});
