/** Certificates of both sides: what a client accepts, and what it shows. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type ConnectOptions,
  connect,
  type MoqError,
  type Relay,
  startRelay,
} from "../src/index.js";

const folder = mkdtempSync(join(tmpdir(), "moq-node-certificates-"));
const file = (name: string): string => join(folder, name);
const openssl = (...args: string[]): void => {
  execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
};
const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

/** An authority and a certificate that it issued, both PEM files. */
function issue(name: string): void {
  openssl(
    ...["req", "-x509", ...KEY, "-days", "2", "-subj", `/CN=${name} authority`],
    ...["-keyout", `${name}-ca.key`, "-out", `${name}-ca.pem`],
  );
  openssl(
    ...["req", ...KEY, "-subj", `/CN=${name}`],
    ...["-keyout", `${name}.key`, "-out", `${name}.csr`],
  );
  openssl(
    ...["x509", "-req", "-in", `${name}.csr`, "-days", "2", "-CAcreateserial"],
    // With an extension it is of version 3, as TLS wants it.
    ...["-extfile", "extensions"],
    ...["-CA", `${name}-ca.pem`, "-CAkey", `${name}-ca.key`, "-out", `${name}.pem`],
  );
}

beforeAll(() => {
  writeFileSync(file("extensions"), "keyUsage=digitalSignature\n");
  issue("player");
  issue("stranger");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function refused(relay: Relay, options: ConnectOptions): Promise<MoqError> {
  return connect(relay.url, options).then(
    () => expect.fail("it was accepted"),
    (error: MoqError) => error,
  );
}

test("a relay can ask who its clients are", { timeout: 30_000 }, async () => {
  const relay = await startRelay({ clientCaFile: file("player-ca.pem") });
  const base = { serverCertificateHashes: [relay.certificateHash] };
  for (const [clientCertificate, clientKey] of [
    [file("player.pem"), file("player.key")],
    [readFileSync(file("player.pem"), "utf8"), readFileSync(file("player.key"), "utf8")],
  ]) {
    for (const url of [relay.url, relay.url.replace("https:", "moqt:")]) {
      const client = await connect(url, { ...base, clientCertificate, clientKey });
      expect(client.state).toBe("open");
      await client.close();
    }
  }
  const none = await refused(relay, base);
  expect(none).toMatchObject({ code: "certificate", reason: "client_missing", retryable: false });
  expect(none.message).toContain("clientCertificate");
  const wrong = await refused(relay, {
    ...base,
    clientCertificate: file("stranger.pem"),
    clientKey: file("stranger.key"),
  });
  expect(wrong).toMatchObject({ code: "certificate", reason: "client_refused" });
  const half = await refused(relay, { ...base, clientCertificate: file("player.pem") });
  expect(half.code).toBe("invalid_argument");
  await relay.close();
});

test("each cause of a refusal has its own reason and text", { timeout: 30_000 }, async () => {
  const relay = await startRelay();
  const pin = await refused(relay, { serverCertificateHashes: ["ab".repeat(32)] });
  expect(pin).toMatchObject({ code: "certificate", reason: "wrong_hash", retryable: false });
  expect(pin.message).toContain("not among the accepted hashes");
  const issuer = await refused(relay, { caFile: file("player-ca.pem") });
  expect(issuer).toMatchObject({ code: "certificate", reason: "unknown_issuer" });
  expect(issuer.message).not.toContain("accepted hashes");
  await relay.close();
});

test("rates and time limits", { timeout: 30_000 }, async () => {
  const relay = await startRelay();
  const client = await connect(relay.url, {
    serverCertificateHashes: [relay.certificateHash],
    publishesPerSecond: 1,
    publishBurst: 2,
    requestTimeout: 5_000,
  });
  const track = client.publish(["rates", "x"], { delivery: "latest" });
  await track.ready;
  const errors: string[] = [];
  for (let i = 0; i < 6; i++) {
    try {
      track.send(new Uint8Array(1));
      // Updates of one turn are handed over together.
      await new Promise((resolve) => setImmediate(resolve));
    } catch (error) {
      errors.push((error as MoqError).code);
    }
  }
  expect(errors).toContain("rate_limited");
  await client.close();
  await relay.close();
});
