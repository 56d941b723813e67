/** Our relay against `moq-test-client`. */
import { execFile } from "node:child_process";
import { type Relay, startRelay } from "@moq-game/node-native";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { unsteadyCases } from "./expectations.js";
import { peerProgram } from "./relays.js";
import { note } from "./results.js";
import { parseTap } from "./tap.js";

/** Its 18 cases take about 14 s; each has a limit of 10 s of its own. */
const LIMIT_MS = 240_000;

let relay: Relay;

beforeAll(async () => {
  relay = await startRelay({ listen: "127.0.0.1:0" });
});

afterAll(() => relay?.close());

function runClient(url: string): Promise<string> {
  const args = ["--relay", url, "--tls-disable-verify"];
  return new Promise((resolve, reject) => {
    execFile(
      peerProgram("moq-test-client"),
      args,
      { timeout: LIMIT_MS, env: { ...process.env, RUST_LOG: "warn" } },
      (error, stdout) => {
        // It exits with 1 when a case fails: the report says which.
        if (stdout.includes("TAP version")) resolve(stdout);
        else reject(error ?? new Error("moq-test-client has printed no report"));
      },
    );
  });
}

describe.each([
  ["WebTransport", "https:"],
  ["QUIC", "moqt:"],
])("moq-test-client over %s", (transport, scheme) => {
  test(
    "18 of 18 cases pass",
    async () => {
      const results = parseTap(await runClient(relay.url.replace(/^https:/, scheme)));
      for (const { name, ok } of results) {
        const why = unsteadyCases[name]?.why ?? null;
        const expected = why === null ? "passes" : "may";
        note({ kind: "case", client: "moq-test-client", transport, name, ok, expected, why });
      }
      const failed = results.filter(({ name, ok, message }) => {
        const unsteady = unsteadyCases[name]?.complaint.test(message ?? "") === true;
        return !ok && !unsteady;
      });
      expect(failed).toEqual([]);
      expect(results.length).toBe(18);
    },
    LIMIT_MS,
  );
});
