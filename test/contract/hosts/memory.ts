import { type Host, playWith } from "@moq-game/contract";
import {
  type Client,
  type Dial,
  type MemoryPair,
  memoryPair,
  resolveClientOptions,
  type Host as Surroundings,
  startClient,
  type Transport,
} from "@moq-game/core";

export const surroundings: Surroundings = {
  now: () => performance.now(),
  setTimer: (run, ms) => setTimeout(run, ms),
  clearTimer: (handle) => clearTimeout(handle as NodeJS.Timeout),
};

/** A client in TypeScript that is at hand. */
export function clientHost(client: Client): Host {
  return {
    name: "core",
    play: (contractCase, side, namespace, post) =>
      playWith(client, contractCase, side, namespace, post),
  };
}

/** Two clients whose connection is made anew after each cut: a pair, once both have dialled. */
export class MemoryNetwork {
  #pair: MemoryPair | undefined;
  readonly #waiting = new Map<"client" | "server", (transport: Transport) => void>();

  clients(): Promise<[Client, Client]> {
    return Promise.all([this.#client("client"), this.#client("server")]);
  }

  cut(): Promise<void> {
    this.#pair?.disconnect({ kind: "transport", reason: "it was cut" });
    return Promise.resolve();
  }

  #client(role: "client" | "server"): Promise<Client> {
    const dial: Dial = () =>
      new Promise((resolve) => {
        this.#waiting.set(role, resolve);
        const [client, server] = [this.#waiting.get("client"), this.#waiting.get("server")];
        if (client === undefined || server === undefined) return;
        this.#waiting.clear();
        this.#pair = memoryPair();
        client(this.#pair.a);
        server(this.#pair.b);
      });
    return startClient(dial, resolveClientOptions(undefined), surroundings, { role });
  }
}
