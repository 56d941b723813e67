/** Our clients through other people's relays. */
import { connect } from "@moq-game/node-native";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openProbePage, type ProbePage } from "./chromium.js";
import { lacks } from "./expectations.js";
import { probes, runProbe } from "./probes.js";
import { type ForeignRelay, startMoqRelayIetf } from "./relays.js";
import { note } from "./results.js";

let page: ProbePage;

beforeAll(async () => {
  page = await openProbePage();
});

afterAll(() => page?.close());

type Play = (relay: ForeignRelay, name: string, namespace: string) => Promise<string | undefined>;

function inNode(scheme: string): Play {
  return (relay, name, namespace) => {
    const url = `${scheme}//127.0.0.1:${relay.port}`;
    const options = { serverCertificateHashes: [relay.certificateHash] };
    return runProbe(name, () => connect(url, options), namespace);
  };
}

const inChromium: Play = (relay, name, namespace) =>
  page.probe(name, namespace, `https://127.0.0.1:${relay.port}`, relay.certificateHash);

const clients: readonly [string, Play][] = [
  ["Node over QUIC", inNode("moqt:")],
  ["Node over WebTransport", inNode("https:")],
  ["Chromium", inChromium],
];

const relays: readonly [string, () => Promise<ForeignRelay>][] = [
  ["moq-relay-ietf", startMoqRelayIetf],
];

describe.each(relays)("through %s", (relayName, start) => {
  let relay: ForeignRelay;
  beforeAll(async () => {
    relay = await start();
  });
  afterAll(() => relay?.close());

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
        const namespace = `interop/${client.replaceAll(" ", "-")}/${runs}`;
        const complaint = await play(relay, name, namespace);
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
