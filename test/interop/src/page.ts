/** Runs in Chromium: the probes, played with `@moq-game/web`. */
import { connect } from "@moq-game/web";
import { runProbe } from "./probes.js";

declare global {
  interface Window {
    interopProbe: typeof probe;
  }
}

async function probe(
  name: string,
  namespace: string,
  url: string,
  hash: string,
): Promise<string | undefined> {
  return runProbe(name, () => connect(url, { serverCertificateHashes: [hash] }), namespace);
}

window.interopProbe = probe;
