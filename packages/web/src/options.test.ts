import { MoqError } from "@moq-game/core";
import { afterEach, describe, expect, it, vi } from "vitest";
import { connect } from "./connect.js";
import { resolveUrl, resolveWebOptions, type WebClientOptions } from "./options.js";

async function refusal(run: () => unknown): Promise<MoqError> {
  try {
    await run();
  } catch (error) {
    expect(error).toBeInstanceOf(MoqError);
    return error as MoqError;
  }
  throw new Error("expected a refusal");
}

afterEach(() => {
  vi.unstubAllGlobals();
});

describe("the address", () => {
  it("is taken as string or URL", () => {
    expect(resolveUrl("https://127.0.0.1:4443/match").pathname).toBe("/match");
    expect(resolveUrl(new URL("https://relay.example")).host).toBe("relay.example");
  });

  it.each([
    ["http://relay.example", /begins with http:.*https:/],
    ["moqt://relay.example:4443", /moqt:\/\/.*https:/],
    ["relay.example:4443", /relay\.example:/],
    ["", /needs the relay's URL/],
    ["https://relay.example/#a", /fragment/],
    ["https://me:secret@relay.example/", /option token/],
  ])("%s is refused with what to do", async (url, message) => {
    const error = await refusal(() => connect(url));
    expect(error.code).toBe("invalid_argument");
    expect(error.message).toMatch(message);
  });
});

describe("options", () => {
  it("validates those of every host and its own", async () => {
    const loose = (value: object): WebClientOptions => value as WebClientOptions;
    expect((await refusal(() => resolveWebOptions(loose({ wroker: true })))).message).toMatch(
      /worker\?/,
    );
    expect((await refusal(() => resolveWebOptions(loose({ worker: 1 })))).message).toMatch(
      /worker must be/,
    );
    expect((await refusal(() => resolveWebOptions(loose({ workerUrl: 1 })))).message).toMatch(
      /workerUrl/,
    );
    expect(resolveWebOptions({ worker: false }).makeWorker).toBeUndefined();
    expect(resolveWebOptions({ worker: true }).makeWorker).toBeTypeOf("function");
    expect(resolveWebOptions({ workerUrl: "/w.js" }).makeWorker).toBeTypeOf("function");
  });
});

describe("feature detection", () => {
  it("says which browsers have WebTransport where there is none", async () => {
    vi.stubGlobal("WebTransport", undefined);
    const error = await refusal(() => connect("https://127.0.0.1:1"));
    expect(error.code).toBe("unsupported");
    expect(error.message).toMatch(/no WebTransport.*Chrome/);
  });

  it("says that the page is not in a secure context", async () => {
    vi.stubGlobal("WebTransport", undefined);
    vi.stubGlobal("isSecureContext", false);
    const error = await refusal(() => connect("https://127.0.0.1:1"));
    expect(error.message).toMatch(/secure contexts.*https/);
  });

  it("says when a worker cannot run", async () => {
    const error = await refusal(() =>
      connect("https://127.0.0.1:1", {
        worker: () => {
          throw new Error("blocked by policy");
        },
      }),
    );
    expect(error.code).toBe("unavailable");
    expect(error.message).toMatch(/blocked by policy.*@moq-game\/web\/worker/);
  });
});

describe("the handshake", () => {
  class Refusing {
    readonly ready = Promise.reject(new Error("Opening handshake failed."));
    readonly closed = Promise.reject(new Error("Opening handshake failed."));
    constructor(
      readonly url: string,
      readonly options: object,
    ) {
      this.ready.catch(() => {});
      Refusing.last = this;
    }
    static last: Refusing | undefined;
    close(): void {}
  }

  it("offers the protocol and the certificate hashes, and lists what a failure can be", async () => {
    vi.stubGlobal("WebTransport", Refusing);
    const hash = "ab".repeat(32);
    const error = await refusal(() =>
      connect("https://127.0.0.1:9/match", { serverCertificateHashes: [hash] }),
    );
    expect(error.code).toBe("connection_failed");
    expect(error.retryable).toBe(true);
    expect(error.message).toMatch(/127\.0\.0\.1:9.*UDP.*serverCertificateHashes.*\/match/);
    expect(Refusing.last?.options).toMatchObject({
      protocols: ["moqt-18"],
      serverCertificateHashes: [{ algorithm: "sha-256", value: new Uint8Array(32).fill(0xab) }],
    });
  });

  it("gives up after connectTimeout, and at once when aborted", async () => {
    class Silent {
      readonly ready = new Promise(() => {});
      readonly closed = new Promise(() => {});
      close(): void {}
    }
    vi.stubGlobal("WebTransport", Silent);
    const slow = await refusal(() => connect("https://127.0.0.1:9", { connectTimeout: 20 }));
    expect(slow).toMatchObject({ code: "timeout", retryable: true });
    const controller = new AbortController();
    const aborted = refusal(() => connect("https://127.0.0.1:9", { signal: controller.signal }));
    controller.abort();
    expect((await aborted).code).toBe("cancelled");
  });

  it("refuses another protocol than the one it speaks", async () => {
    class Other {
      readonly ready = Promise.resolve();
      readonly closed = new Promise(() => {});
      readonly protocol = "moqt-16";
      close(): void {}
    }
    vi.stubGlobal("WebTransport", Other);
    const error = await refusal(() => connect("https://127.0.0.1:9"));
    expect(error.code).toBe("protocol_mismatch");
    expect(error.message).toMatch(/moqt-16.*moqt-18/);
  });
});
