/** What is asked of a relay, one feature each, played by two clients of ours. Runs in Node and in a page. */
import type { Client } from "@moq-game/core";
import { deliveryProbes } from "./delivery.js";
import { type Open, type Path, type Probe, type RelayControl, within } from "./harness.js";
import { networkProbes } from "./network.js";
import { requestProbes } from "./requests.js";

export type { Path, RelayControl } from "./harness.js";

/** How long one probe may take. */
export const PROBE_MS = 45_000;

/** The last one restarts the relay. */
export const probes: readonly Probe[] = [...deliveryProbes, ...requestProbes, ...networkProbes];

/** Runs one probe with sessions that are all closed afterwards. Gives what is missing, or nothing. */
export async function runProbe(
  name: string,
  connect: (path: Path) => Promise<Client>,
  namespace: string,
  relay: RelayControl,
): Promise<string | undefined> {
  const probe = probes.find((each) => each.name === name);
  if (probe === undefined) throw new Error(`no probe "${name}"`);
  const clients: Client[] = [];
  const open: Open = async (path = "direct") => {
    const client = await within(10_000, "no session", connect(path));
    clients.push(client);
    return client;
  };
  try {
    await within(PROBE_MS, "the probe hangs", probe.run(open, namespace, relay));
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    await Promise.all(clients.map((client) => client.close().catch(() => undefined)));
  }
}
