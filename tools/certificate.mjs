/** A development certificate for tests that start a relay again, or another one, under the same identity. */
import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Makes one with OpenSSL in `folder`: P-256, valid for less than 14 days, as browsers want it. */
export function makeCertificate(folder) {
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  const kind = [
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:prime256v1",
    "-nodes",
    "-days",
    "12",
  ];
  const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  const files = ["-keyout", key, "-out", cert];
  try {
    execFileSync("openssl", ["req", "-x509", ...kind, ...names, ...files], { stdio: "pipe" });
  } catch (cause) {
    const said = cause.code === "ENOENT" ? "it is not installed" : String(cause.stderr ?? cause);
    throw new Error(`openssl could not make a test certificate: ${said}`, { cause });
  }
  const hash = new X509Certificate(readFileSync(cert)).fingerprint256.replaceAll(":", "");
  return { cert, key, hash: hash.toLowerCase() };
}
