import { createSocket } from "node:dgram";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ConnectOptions, connect, MoqError, type Relay, startRelay } from "../src/index.js";
import { join, urlOf, WAYS } from "./support.js";

let relay: Relay;

beforeAll(async () => {
  relay = await startRelay({
    tokens: { tokens: { s3cret: { publish: ["open"], subscribe: ["*"] } } },
  });
});

afterAll(() => relay.close());

async function refusal(work: Promise<unknown>): Promise<MoqError> {
  const error: unknown = await work.then(
    () => new Error("it succeeded"),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(MoqError);
  return error as MoqError;
}

describe("connect", () => {
  test.each([
    ["", "first argument"],
    ["ftp://127.0.0.1:1", "https://host:port/path"],
    ["127.0.0.1:4443", "https://host:port/path"],
    ["moqt://127.0.0.1:0", "port"],
    ["moqt://127.0.0.1:99999", "port"],
    ["https://", "host"],
    ["moqt://me@127.0.0.1:1", "token"],
  ])("refuses the URL %j and says why", async (url, part) => {
    const error = await refusal(connect(url));
    expect(error).toMatchObject({ code: "invalid_argument", retryable: false });
    expect(error.message).toContain(part);
  });

  test.each<[unknown, string]>([
    [{ keepalive: 1 }, "keepAlive"],
    [{ connectTimeout: "soon" }, "connectTimeout"],
    [{ maxObjectSize: 0 }, "maxObjectSize"],
    [{ serverCertificateHashes: ["xyz"] }, "serverCertificateHashes"],
    [{ caFile: 7 }, "caFile"],
    [{ caFile: "/does/not/exist.pem" }, "/does/not/exist.pem"],
    [{ insecure: "yes" }, "insecure"],
    [[], "object"],
  ])("refuses the options %j and names what is wrong", async (options, part) => {
    const error = await refusal(connect("moqt://127.0.0.1:4443", options as ConnectOptions));
    expect(error.code).toBe("invalid_argument");
    expect(error.message).toContain(part);
  });

  test.each(["quic", "webtransport"] as const)(
    "over %s refuses a wrong or missing pin",
    async (way) => {
      const url = urlOf(relay, way);
      const wrong = await refusal(
        connect(url, { token: "s3cret", serverCertificateHashes: ["ab".repeat(32)] }),
      );
      expect(wrong.code).toBe("certificate");
      expect((await refusal(connect(url, { token: "s3cret" }))).code).toBe("certificate");
    },
  );

  test("a development certificate may be accepted unseen, on demand", async () => {
    const client = await connect(urlOf(relay, "quic"), { token: "s3cret", insecure: true });
    await client.close();
  });

  test.each(WAYS)("over %s wants the token", async (way) => {
    for (const options of [{}, { token: "wrong" }]) {
      expect((await refusal(join(relay, way, options))).code).toBe("unauthorized");
    }
    const client = await join(relay, way, { token: "s3cret" });
    const track = client.publish(["closed", "a"]);
    expect((await refusal(track.ready)).code).toBe("unauthorized");
    await client.publish(["open/1", "a"]).ready;
    await client.close();
  });

  test("a peer that says nothing is a timeout; a signal cancels at once", async () => {
    const silent = createSocket("udp4");
    silent.bind(0, "127.0.0.1");
    await once(silent, "listening");
    const url = `moqt://127.0.0.1:${silent.address().port}`;
    const error = await refusal(connect(url, { connectTimeout: 200 }));
    expect(error).toMatchObject({ code: "timeout", retryable: true });
    const abort = new AbortController();
    // Without the signal the test would end before this does.
    const connecting = refusal(connect(url, { signal: abort.signal, connectTimeout: 120_000 }));
    setTimeout(() => abort.abort(), 20);
    expect((await connecting).code).toBe("cancelled");
    silent.close();
  });

  test("the memory URL of no relay is not found", async () => {
    expect((await refusal(connect("memory://123456"))).code).toBe("not_found");
  });
});

describe("startRelay", () => {
  test("refuses wrong options and names them", async () => {
    for (const [options, part] of [
      [{ listne: "127.0.0.1:0" }, "listen"],
      [{ listen: "localhost" }, "127.0.0.1:4443"],
      [{ certificate: "a.pem" }, "key"],
      [{ tokens: { tokens: 7 } }, "token"],
      [{ limits: { sessions: 0 } }, "sessions"],
    ] as const) {
      const error = await refusal(startRelay(options as object));
      expect(error.code).toBe("invalid_argument");
      expect(error.message).toContain(part);
    }
  });

  test("a port in use is one clear error", async () => {
    const error = await refusal(startRelay({ listen: `127.0.0.1:${relay.port}` }));
    expect(error.code).toBe("connection_failed");
    expect(error.message).toContain("in use");
  });

  test("certificate files that are missing are one clear error", async () => {
    const error = await refusal(startRelay({ certificate: "/no/cert.pem", key: "/no/key.pem" }));
    expect(error.code).toBe("certificate");
    expect(error.message).toContain("/no/cert.pem");
  });
});
