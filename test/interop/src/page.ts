/** Runs in Chromium: the probes, played with `@moq-game/web`. */
import { connect } from "@moq-game/web";
import { type Path, runProbe } from "./probes/index.js";

/** Where the relay is reached. */
export type Urls = Readonly<Record<Path, string>>;

declare global {
  interface Window {
    interopProbe: typeof probe;
    /** Provided by the test. */
    interopRestart(): Promise<void>;
  }
}

async function probe(
  name: string,
  namespace: string,
  urls: Urls,
  hash: string,
): Promise<string | undefined> {
  return runProbe(
    name,
    (path) => connect(urls[path], { serverCertificateHashes: [hash] }),
    namespace,
    { restart: () => window.interopRestart() },
  );
}

window.interopProbe = probe;
