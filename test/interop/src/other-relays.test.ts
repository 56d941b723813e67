/** Our clients through other people's relays, and through ours for comparison. */
import { type Impair, startImpair } from "@moq-game/impair";
import { connect } from "@moq-game/node-native";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openProbePage, type ProbePage } from "./chromium.js";
import { lacks } from "./expectations.js";
import type { Urls } from "./page.js";
import { probes, runProbe } from "./probes/index.js";
import { RELAYS, type RelayProcess, startRelayProcess } from "./relays.js";
import { note } from "./results.js";

/** The narrow path: 200 kB a second towards the client, and a short queue. */
const NARROW = { down: { rate: 200_000, delay: 10, queue: 16 * 1024 } } as const;

let page: ProbePage;

beforeAll(async () => {
  page = await openProbePage();
});

afterAll(() => page?.close());

interface Subject {
  readonly relay: RelayProcess;
  readonly urls: Urls;
}

type Play = (of: Subject, name: string, namespace: string) => Promise<string | undefined>;

function inNode(scheme: string): Play {
  return ({ relay, urls }, name, namespace) => {
    const options = { serverCertificateHashes: [relay.certificateHash] };
    const open = (url: string) => connect(url.replace("https:", scheme), options);
    return runProbe(name, (path) => open(urls[path]), namespace, relay);
  };
}

const inChromium: Play = ({ relay, urls }, name, namespace) =>
  page.probe(name, namespace, urls, relay.certificateHash, relay);

const clients: readonly [string, Play][] = [
  ["Node, QUIC", inNode("moqt:")],
  ["Node, WebTransport", inNode("https:")],
  ["Chromium", inChromium],
];

describe.each(RELAYS)("through %s", (relayName) => {
  let relay: RelayProcess;
  let narrow: Impair;
  let subject: Subject;
  beforeAll(async () => {
    relay = await startRelayProcess(relayName);
    narrow = await startImpair({ target: `127.0.0.1:${relay.port}`, ...NARROW });
    const urls = {
      direct: `https://127.0.0.1:${relay.port}`,
      narrow: `https://127.0.0.1:${narrow.port}`,
    };
    subject = { relay, urls };
  });
  afterAll(async () => {
    await narrow?.close();
    await relay?.close();
  });

  const known = lacks[relayName] ?? {};

  test("what is known to be lacking is asked for", () => {
    const names = probes.map((probe) => probe.name);
    for (const name of Object.keys(known)) expect(names).toContain(name);
  });

  describe.each(clients)("%s", (client, play) => {
    let runs = 0;
    for (const { name } of probes) {
      const listed = known[name];
      const lack = listed?.clients?.includes(client) === false ? undefined : listed;
      test(lack === undefined ? name : `${name}: known to be lacking`, async () => {
        runs += 1;
        const namespace = `interop/${client.replaceAll(/\W+/g, "-")}/${runs}`;
        const complaint = await play(subject, name, namespace);
        const of = { relay: relayName, client, name };
        const sometimes = lack?.sometimes === true;
        const [found, why] = [complaint ?? null, lack?.why ?? null];
        note({ kind: "probe", ...of, lack: found, sometimes, why });
        if (lack === undefined) expect(complaint).toBeUndefined();
        else if (!sometimes || complaint !== undefined) expect(complaint).toMatch(lack.complaint);
      });
    }
  });
});
