/** Certificates that a script's client does not accept: each cause has its own reason. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startRelay } from "@moq-game/node-native";
import { afterAll, beforeAll, expect, it } from "vitest";
import { unreal } from "../src/index.js";

const folder = mkdtempSync(join(tmpdir(), "moq-unreal-trust-"));
const file = (name: string): string => join(folder, name);
const openssl = (...args: string[]): void => {
  execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
};
const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
const CA = `[ca]
default_ca = authority
[authority]
new_certs_dir = .
database = index.txt
rand_serial = yes
default_md = sha256
policy = any
[any]
commonName = supplied
`;

/** A relay's certificate of our authority, for `host` from and until a day (YYYYMMDD). */
function issue(name: string, host: string, from: string, until: string): void {
  openssl("req", ...KEY, "-subj", `/CN=${name}`, "-keyout", `${name}.key`, "-out", `${name}.csr`);
  writeFileSync(
    file(`${name}.ext`),
    `subjectAltName = ${host}\nkeyUsage = digitalSignature\nauthorityKeyIdentifier = none\n`,
  );
  openssl(
    ...["ca", "-batch", "-notext", "-config", "ca.cnf", "-cert", "ca.pem", "-keyfile", "ca.key"],
    ...["-in", `${name}.csr`, "-extfile", `${name}.ext`, "-out", `${name}.pem`],
    ...["-startdate", `${from}000000Z`, "-enddate", `${until}000000Z`],
  );
}

beforeAll(() => {
  writeFileSync(file("ca.cnf"), CA);
  writeFileSync(file("index.txt"), "");
  openssl(
    ...["req", "-x509", ...KEY, "-days", "2", "-subj", "/CN=authority"],
    ...["-keyout", "ca.key", "-out", "ca.pem"],
  );
  issue("good", "IP:127.0.0.1", "20240101", "20491231");
  issue("old", "IP:127.0.0.1", "20200101", "20200201");
  issue("early", "IP:127.0.0.1", "20490101", "20491231");
  issue("other", "DNS:elsewhere.example", "20240101", "20491231");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it.each([
  ["expired", "old", { caFile: file("ca.pem") }],
  ["not_yet_valid", "early", { caFile: file("ca.pem") }],
  ["wrong_name", "other", { caFile: file("ca.pem") }],
  ["unknown_issuer", "good", {}],
  ["wrong_hash", "good", { serverCertificateHashes: ["ab".repeat(32)] }],
])("says %s", { timeout: 30_000 }, async (reason, name, options) => {
  const relay = await startRelay({ certificate: file(`${name}.pem`), key: file(`${name}.key`) });
  const { connect, MoqError } = unreal();
  const refused = await connect(relay.url.replace(/^https:/, "moqt:"), options).catch(
    (error: unknown) => error,
  );
  expect(refused).toBeInstanceOf(MoqError);
  expect(refused).toMatchObject({ code: "certificate", reason, retryable: false });
  // The right one is taken.
  if (name === "good") {
    const trusting = { caFile: file("ca.pem") };
    const client = await connect(relay.url.replace(/^https:/, "moqt:"), trusting);
    expect(client.state).toBe("open");
    await client.close();
  }
  await relay.close();
});
