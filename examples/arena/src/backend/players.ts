import type { Client, Subscription } from "@moq-game/node-native";
import { decode, type Input } from "../shared/codec.js";
import { INPUT_TRACK, playerNamespace, playersPrefix } from "../shared/tracks.js";

/** What the match does about players. */
export interface PlayerListener {
  joined(player: string): void;
  left(player: string): void;
  input(player: string, input: Input): void;
}

/** Most players that the match follows at a time; later ones wait until somebody leaves. */
const MAX_PLAYERS = 40;

/**
 * Finds players by their namespaces and follows everybody's input track. Bots and people are the
 * same here: clients that publish datagrams.
 */
export class Players {
  private readonly inputs = new Map<string, Subscription>();
  private readonly refused = new Set<string>();
  /** Inputs read so far, and bytes that were not one. */
  received = 0;
  malformed = 0;

  constructor(
    private readonly client: Client,
    private readonly match: string,
    private readonly listener: PlayerListener,
  ) {}

  get count(): number {
    return this.inputs.size;
  }

  /** Runs until the client closes. */
  async follow(): Promise<void> {
    const prefix = playersPrefix(this.match);
    const depth = prefix.split("/").length;
    for await (const change of this.client.discover(prefix)) {
      const player = change.namespace[depth];
      if (player === undefined) continue;
      if (change.kind === "added") this.add(player);
      else this.inputs.get(player)?.close();
    }
  }

  /** Reads what arrived since the last tick. */
  drain(): void {
    for (const [player, subscription] of this.inputs) {
      subscription.drain((object) => {
        try {
          const update = decode(object.bytes);
          if (update.type !== "input") throw new RangeError("not an input");
          this.received += 1;
          this.listener.input(player, update);
        } catch {
          // Players are not trusted: what is no input is counted and skipped.
          this.malformed += 1;
        }
      });
    }
  }

  private add(player: string): void {
    if (this.inputs.has(player)) return;
    if (this.inputs.size >= MAX_PLAYERS || !/^[\w-]{1,32}$/.test(player)) {
      this.refused.add(player);
      return;
    }
    const subscription = this.client.subscribe([playerNamespace(this.match, player), INPUT_TRACK], {
      delivery: "datagram",
      wait: 2_000,
    });
    this.inputs.set(player, subscription);
    subscription.ready.then(
      () => this.listener.joined(player),
      () => undefined, // onEnd tells the same.
    );
    subscription.onEnd(() => {
      if (this.inputs.get(player) !== subscription) return;
      this.inputs.delete(player);
      this.listener.left(player);
    });
  }
}
