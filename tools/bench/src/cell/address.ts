/** A port and a certificate, for servers that want to be given them. */
import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { createSocket } from "node:dgram";
import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

/** A UDP port of the loopback address that nobody uses now. */
export async function freePort(): Promise<number> {
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  const { port } = socket.address() as AddressInfo;
  await new Promise<void>((resolve) => socket.close(resolve));
  return port;
}

/** PEM files in the folder, and the SHA-256 of the certificate in hexadecimal. */
export function certificate(folder: string): { cert: string; key: string; hash: string } {
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  const files = ["-days", "12", "-keyout", key, "-out", cert];
  execFileSync("openssl", ["req", "-x509", ...curve, ...names, ...files], { stdio: "pipe" });
  const hash = new X509Certificate(readFileSync(cert)).fingerprint256.replaceAll(":", "");
  return { cert, key, hash: hash.toLowerCase() };
}
