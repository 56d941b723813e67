import type { ContractCase, Host } from "@moq-game/contract";
import type { RelayAddress } from "@moq-game/contract/hosts";
import { type Impair, startImpair } from "@moq-game/impair";
import type { Relay } from "@moq-game/node-native";
import { type BadNetwork, type Condition, OUTAGE } from "../src/conditions.js";
import { seedFor } from "./seed.js";

/** A network in front of the relay. */
export interface Link {
  readonly address: RelayAddress;
  readonly proxy: Impair;
}

export async function openLink(relay: Relay, name: string, network: BadNetwork): Promise<Link> {
  const proxy = await startImpair({
    target: `127.0.0.1:${relay.port}`,
    seed: seedFor(name),
    both: network,
  });
  const url = `https://127.0.0.1:${proxy.port}/`;
  return { address: { url, certificateHash: relay.certificateHash }, proxy };
}

/** A condition's two networks; `close` them afterwards. */
export async function openLinks(relay: Relay, run: string, condition: Condition) {
  const open = (side: "publisher" | "subscriber"): Promise<Link> =>
    openLink(relay, `${run}, ${side}`, condition[side] ?? {});
  const [publisher, subscriber] = await Promise.all([open("publisher"), open("subscriber")]);
  return {
    publisher,
    subscriber,
    /** The host, during whose turn as publisher the outage comes. */
    withOutage(host: Host): Host {
      const side = condition.outage;
      if (side === undefined) return host;
      const { proxy } = side === "publisher" ? publisher : subscriber;
      return {
        name: host.name,
        play(contractCase: ContractCase, ...rest) {
          const [, , post] = rest;
          // A run that fails before is reported by its sides.
          post.told("midway").then(
            () => proxy.outage(OUTAGE),
            () => {},
          );
          return host.play(contractCase, ...rest);
        },
      };
    },
    /** What lies between the two, for the message of a failure. */
    stats: () => ({
      relay: relay.stats(),
      publisher: publisher.proxy.stats(),
      subscriber: subscriber.proxy.stats(),
    }),
    async close(): Promise<void> {
      await Promise.all([publisher.proxy.close(), subscriber.proxy.close()]);
    },
  };
}
