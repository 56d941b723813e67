import { type Client, type ConnectOptions, connect } from "@moq-game/node-native";
import { decode } from "../shared/codec.js";
import { matchNamespace, POSES_TRACK, WORLD_TRACK } from "../shared/tracks.js";

/** What a spectator saw of a match. */
export interface SpectatorSummary {
  readonly updates: number;
  readonly updatesPerSecond: number;
  /** Update numbers that never came. */
  readonly missing: number;
  readonly keyframes: number;
  readonly poses: number;
  /** From simulation to this reader in ms (same clock). */
  readonly age: { readonly p50: number; readonly p99: number };
  readonly moved: boolean;
}

/** Watches a match without drawing it: stands in for the page in headless runs. */
export class Spectator {
  private readonly ages: number[] = [];
  private firstAt = 0;
  private lastAt = 0;
  private lastTick = 0;
  private updates = 0;
  private missing = 0;
  private keyframes = 0;
  private poses = 0;
  private moved = 0;

  private constructor(
    private readonly client: Client,
    match: string,
  ) {
    for (const track of [WORLD_TRACK, POSES_TRACK]) {
      const subscription = client.subscribe([matchNamespace(match), track], { wait: 5_000 });
      subscription.onReadable(() => {
        subscription.drain((object) => this.see(object.bytes));
      });
    }
  }

  static async start(url: string, options: ConnectOptions, match: string): Promise<Spectator> {
    return new Spectator(await connect(url, options), match);
  }

  async stop(): Promise<SpectatorSummary> {
    await this.client.close();
    const sorted = this.ages.sort((a, b) => a - b);
    const at = (share: number): number =>
      Math.round((sorted[Math.floor((sorted.length - 1) * share)] ?? 0) * 100) / 100;
    const seconds = (this.lastAt - this.firstAt) / 1000;
    return {
      updates: this.updates,
      updatesPerSecond: seconds > 0 ? Math.round(((this.updates - 1) / seconds) * 10) / 10 : 0,
      missing: this.missing,
      keyframes: this.keyframes,
      poses: this.poses,
      age: { p50: at(0.5), p99: at(0.99) },
      moved: this.moved > 0,
    };
  }

  private see(bytes: Uint8Array): void {
    const update = decode(bytes);
    if (update.type === "poses") {
      this.poses += 1;
      return;
    }
    if (update.type === "input") return;
    const now = performance.now();
    if (this.updates === 0) this.firstAt = now;
    else this.missing += Math.max(0, update.tick - this.lastTick - 1);
    this.lastAt = now;
    this.lastTick = update.tick;
    this.updates += 1;
    this.ages.push(Math.max(0, Date.now() - update.time));
    if (update.type === "keyframe") this.keyframes += 1;
    else this.moved += update.moved.length;
  }
}
