/**
 * Binary forms of the arena's updates. Positions are quantised to 1/1600 m and angles to 1/65536 of
 * a turn, so that one moving body costs seven bytes.
 */

/** Playing field in metres; the origin is its lower left corner. */
export const FIELD = { width: 32, height: 18, goal: 5 } as const;

/** Most bodies that an update can name: ids are one byte. */
export const MAX_BODIES = 128;

export type BodyKind = "player" | "ball" | "crate" | "barrel";
const KINDS: readonly BodyKind[] = ["player", "ball", "crate", "barrel"];

/** 0 is left (cyan), 1 is right (amber), 2 is neither. */
export type Team = 0 | 1 | 2;

/** Position in metres, angle in radians. */
export interface Pose {
  readonly id: number;
  readonly x: number;
  readonly y: number;
  readonly angle: number;
}

/** A pose and what does not change while the body lives. */
export interface Body extends Pose {
  readonly kind: BodyKind;
  readonly team: Team;
  /** Radius, or half the edge of a crate, in metres; 0–7.9. */
  readonly size: number;
  readonly name: string;
}

interface Stamp {
  readonly tick: number;
  /** Unix ms at the backend when the tick was simulated. */
  readonly time: number;
}

export interface Keyframe extends Stamp {
  readonly type: "keyframe";
  readonly score: readonly [number, number];
  readonly bodies: readonly Body[];
}

export interface Delta extends Stamp {
  readonly type: "delta";
  readonly score: readonly [number, number];
  readonly removed: readonly number[];
  readonly added: readonly Body[];
  readonly moved: readonly Pose[];
}

export interface Poses extends Stamp {
  readonly type: "poses";
  readonly poses: readonly Pose[];
}

export interface Input {
  readonly type: "input";
  readonly sequence: number;
  /** −1…1; right is positive. */
  readonly x: number;
  /** −1…1; up is positive. */
  readonly y: number;
  readonly dash: boolean;
}

export type Update = Keyframe | Delta | Poses | Input;

const TYPE = { keyframe: 1, delta: 2, poses: 3, input: 4 } as const;
const SCALE = 1600;
const OFFSET = 4;
const TURN = 65536;
const utf8 = new TextEncoder();
const text = new TextDecoder();

class Out {
  private view = new DataView(new ArrayBuffer(16_384));
  private at = 0;

  u8(value: number): this {
    this.view.setUint8(this.at++, value);
    return this;
  }
  i8(value: number): this {
    this.view.setInt8(this.at++, value);
    return this;
  }
  u16(value: number): this {
    this.view.setUint16(this.at, value);
    this.at += 2;
    return this;
  }
  u32(value: number): this {
    this.view.setUint32(this.at, value);
    this.at += 4;
    return this;
  }
  f64(value: number): this {
    this.view.setFloat64(this.at, value);
    this.at += 8;
    return this;
  }
  stamp(type: number, stamp: Stamp): this {
    return this.u8(type).u32(stamp.tick).f64(stamp.time);
  }
  pose(pose: Pose): this {
    const turns = pose.angle / (2 * Math.PI);
    return this.u8(pose.id)
      .u16(quantise(pose.x))
      .u16(quantise(pose.y))
      .u16(Math.round((turns - Math.floor(turns)) * TURN) % TURN);
  }
  body(body: Body): this {
    const name = utf8.encode(body.name).subarray(0, 32);
    this.pose(body)
      .u8((KINDS.indexOf(body.kind) << 4) | body.team)
      .u8(Math.round(body.size * 32))
      .u8(name.length);
    for (const byte of name) this.u8(byte);
    return this;
  }
  done(): Uint8Array {
    const bytes = new Uint8Array(this.view.buffer, 0, this.at);
    this.at = 0;
    return bytes;
  }
}

function quantise(metres: number): number {
  return Math.max(0, Math.min(65_535, Math.round((metres + OFFSET) * SCALE)));
}

const out = new Out();

/** The bytes are valid until the next call: every `send` copies. */
export function encode(update: Update): Uint8Array {
  switch (update.type) {
    case "keyframe":
      out.stamp(TYPE.keyframe, update).u8(update.score[0]).u8(update.score[1]);
      out.u8(update.bodies.length);
      for (const body of update.bodies) out.body(body);
      return out.done();
    case "delta":
      out.stamp(TYPE.delta, update).u8(update.score[0]).u8(update.score[1]);
      out.u8(update.removed.length);
      for (const id of update.removed) out.u8(id);
      out.u8(update.added.length);
      for (const body of update.added) out.body(body);
      out.u8(update.moved.length);
      for (const pose of update.moved) out.pose(pose);
      return out.done();
    case "poses":
      out.stamp(TYPE.poses, update).u8(update.poses.length);
      for (const pose of update.poses) out.pose(pose);
      return out.done();
    case "input":
      return out
        .u8(TYPE.input)
        .u32(update.sequence)
        .i8(Math.round(clamp(update.x) * 127))
        .i8(Math.round(clamp(update.y) * 127))
        .u8(update.dash ? 1 : 0)
        .done();
  }
}

function clamp(value: number): number {
  return Math.max(-1, Math.min(1, value));
}

class In {
  private readonly view: DataView;
  private at = 0;

  constructor(bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  u8(): number {
    return this.view.getUint8(this.at++);
  }
  i8(): number {
    return this.view.getInt8(this.at++);
  }
  u16(): number {
    this.at += 2;
    return this.view.getUint16(this.at - 2);
  }
  u32(): number {
    this.at += 4;
    return this.view.getUint32(this.at - 4);
  }
  f64(): number {
    this.at += 8;
    return this.view.getFloat64(this.at - 8);
  }
  stamp(): Stamp {
    return { tick: this.u32(), time: this.f64() };
  }
  pose(): Pose {
    return {
      id: this.u8(),
      x: this.u16() / SCALE - OFFSET,
      y: this.u16() / SCALE - OFFSET,
      angle: (this.u16() / TURN) * 2 * Math.PI,
    };
  }
  body(): Body {
    const pose = this.pose();
    const flags = this.u8();
    const kind = KINDS[flags >> 4];
    const team = flags & 15;
    if (kind === undefined || team > 2) throw new RangeError(`unknown body form ${flags}`);
    const size = this.u8() / 32;
    const length = this.u8();
    const name = new Uint8Array(this.view.buffer, this.view.byteOffset + this.at, length);
    this.at += length;
    return { ...pose, kind, team: team as Team, size, name: text.decode(name) };
  }
  list<T>(read: (input: this) => T): T[] {
    return Array.from({ length: this.u8() }, () => read(this));
  }
}

/** Throws RangeError for bytes that are not an update; the reader skips those. */
export function decode(bytes: Uint8Array): Update {
  const input = new In(bytes);
  const type = input.u8();
  switch (type) {
    case TYPE.keyframe:
      return {
        type: "keyframe",
        ...input.stamp(),
        score: [input.u8(), input.u8()],
        bodies: input.list((from) => from.body()),
      };
    case TYPE.delta:
      return {
        type: "delta",
        ...input.stamp(),
        score: [input.u8(), input.u8()],
        removed: input.list((from) => from.u8()),
        added: input.list((from) => from.body()),
        moved: input.list((from) => from.pose()),
      };
    case TYPE.poses:
      return { type: "poses", ...input.stamp(), poses: input.list((from) => from.pose()) };
    case TYPE.input:
      return {
        type: "input",
        sequence: input.u32(),
        x: input.i8() / 127,
        y: input.i8() / 127,
        dash: input.u8() === 1,
      };
    default:
      throw new RangeError(`unknown update type ${type}`);
  }
}

/** What the `events` track carries, as JSON. */
export type MatchEvent =
  | { readonly kind: "joined" | "left"; readonly player: string; readonly team: Team }
  | { readonly kind: "goal"; readonly team: Team; readonly score: readonly [number, number] };

export function encodeEvent(event: MatchEvent): Uint8Array {
  return utf8.encode(JSON.stringify(event));
}

export function decodeEvent(bytes: Uint8Array): MatchEvent {
  return JSON.parse(text.decode(bytes)) as MatchEvent;
}
