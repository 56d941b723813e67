import { type Delta, decode, type Keyframe, type Pose } from "../shared/codec.js";
import { MatchView } from "./match-view.js";

/** Seconds of the past on offer. A relay of ours keeps 128 groups of a track, and the match makes one a second. */
export const REACH = 90;
/** Groups asked for at once. */
const STRIDE = 4;
/** What is fetched and not yet shown, in ms, below which more is asked for. */
const AHEAD = 2_000;
/** How often the first group is looked for before what there is must do. */
const TRIES = 3;

/** Past groups of the world, first to last; both ends included. */
export type FetchGroups = (
  from: number,
  to: number,
) => AsyncIterable<readonly { readonly bytes: Uint8Array }[]>;

/** Where the live match is: its newest group, and the backend's clock in ms. */
export interface Live {
  readonly group: number;
  readonly time: number;
}

/** A stretch of the past, fetched from the relay while it is shown at its own pace. */
export class Replay {
  readonly view = new MatchView();
  private readonly poses = new Map<number, Pose>();
  private waiting: (Keyframe | Delta)[] = [];
  private next: number | undefined;
  private fetching = false;
  private clock: number | undefined;

  /**
   * @param start the backend's time in ms to begin at
   * @param live where the match is by now
   * @param failed told once, when the past cannot be had
   */
  constructor(
    private readonly fetch: FetchGroups,
    private readonly start: number,
    private readonly live: () => Live,
    private readonly failed: (error: Error) => void,
  ) {
    void this.work(() => this.find());
  }

  /** The backend's time in ms that is shown; undefined until something is. */
  get time(): number | undefined {
    return this.clock;
  }

  /** Seconds behind the live match. */
  get behind(): number {
    return (this.live().time - (this.clock ?? this.start)) / 1000;
  }

  /** Goes on by some ms; stands still while nothing more is there. */
  advance(ms: number): void {
    const first = this.waiting[0];
    if (this.clock === undefined) {
      if (first === undefined) return;
      this.clock = Math.max(this.start, first.time);
    } else {
      const end = this.waiting.at(-1)?.time ?? this.clock;
      this.clock = Math.max(this.clock, Math.min(this.clock + ms, end));
    }
    const { clock } = this;
    // Where things are at a moment lies between the update before and the one after.
    const until = this.waiting.findIndex((update) => update.time > clock);
    const due = this.waiting.splice(0, until === -1 ? this.waiting.length : until + 1);
    for (const update of due) this.apply(update);
    if ((this.waiting.at(-1)?.time ?? clock) - clock < AHEAD) void this.work(() => this.more());
  }

  private apply(update: Keyframe | Delta): void {
    const { view, poses } = this;
    view.world(update, update.time);
    if (update.type === "keyframe") poses.clear();
    else for (const id of update.removed) poses.delete(id);
    const moved = update.type === "keyframe" ? update.bodies : [...update.added, ...update.moved];
    for (const pose of moved) poses.set(pose.id, pose);
    view.poses({ ...update, type: "poses", poses: [...poses.values()] }, update.time);
  }

  /** One piece of work at a time; a failure ends the replay. */
  private async work(piece: () => Promise<void>): Promise<void> {
    if (this.fetching) return;
    this.fetching = true;
    try {
      await piece();
      this.fetching = false;
    } catch (error) {
      this.failed(error as Error);
    }
  }

  /** The group in which the start lies: about one a second back, surely only after looking. */
  private async find(): Promise<void> {
    const now = this.live();
    const back = Math.max(1, Math.ceil((now.time - this.start) / 1000));
    let group = now.group - back;
    this.next = group;
    await this.more();
    for (let tries = 1; tries < TRIES; tries += 1) {
      const early = (this.waiting[0]?.time ?? this.start) - this.start;
      if (early <= 0) break;
      const from = group - Math.ceil(early / 1000);
      const before = await this.groups(from, group - 1);
      if (before.length === 0) break;
      this.waiting.unshift(...before);
      group = from;
    }
    if (this.waiting.length === 0) {
      throw new Error("the relay no longer has this part of the match");
    }
  }

  private async more(): Promise<void> {
    // The newest group is still being written.
    const last = this.live().group - 1;
    if (this.next === undefined || this.next > last) return;
    const to = Math.min(last, this.next + STRIDE - 1);
    this.waiting.push(...(await this.groups(this.next, to)));
    this.next = to + 1;
  }

  private async groups(from: number, to: number): Promise<(Keyframe | Delta)[]> {
    const updates: (Keyframe | Delta)[] = [];
    for await (const batch of this.fetch(from, to)) {
      for (const { bytes } of batch) {
        const update = decode(bytes);
        if (update.type === "keyframe" || update.type === "delta") updates.push(update);
      }
    }
    return updates;
  }
}
