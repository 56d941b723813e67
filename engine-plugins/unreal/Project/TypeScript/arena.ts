// The arena of examples/arena, as its backend publishes it: the names of its tracks and the part of its
// binary form that a spectator needs. Positions are 1/1600 m, angles 1/65,536 of a turn, big-endian.

/** Where every body is, newest only. */
export const POSES_TRACK = "poses";
/** Goals, joins and leaves as JSON. */
export const EVENTS_TRACK = "events";

/** A player's stick, in a namespace of the player's own. */
export const INPUT_TRACK = "input";

export function matchNamespace(match: string): string {
  return `arena/${match}`;
}

/** Who publishes in such a namespace is in the match. `player`: 1 to 32 letters, digits, `-` and `_`. */
export function playerNamespace(match: string, player: string): string {
  return `${matchNamespace(match)}/players/${player}`;
}

/** Where a player wants to go: −1…1, right and up are positive. */
export interface Stick {
  readonly x: number;
  readonly y: number;
  readonly dash: boolean;
}

const INPUT = 4;

/** An input as the track carries it; later ones have higher numbers. */
export function encodeInput(sequence: number, { x, y, dash }: Stick): Uint8Array {
  const view = new DataView(new ArrayBuffer(8));
  view.setUint8(0, INPUT);
  view.setUint32(1, sequence);
  view.setInt8(5, Math.round(Math.max(-1, Math.min(1, x)) * 127));
  view.setInt8(6, Math.round(Math.max(-1, Math.min(1, y)) * 127));
  view.setUint8(7, dash ? 1 : 0);
  return new Uint8Array(view.buffer);
}

/** Metres and radians, as the arena has them; its field is 32 m × 18 m. */
export interface ArenaPose {
  readonly id: number;
  readonly x: number;
  readonly y: number;
  readonly angle: number;
}

const POSES = 3;
const HEADER = 13;
const POSE = 7;

/** The poses of an update; none when the bytes are another kind of update. */
export function decodePoses(bytes: Uint8Array): ArenaPose[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.byteLength <= HEADER || view.getUint8(0) !== POSES) return [];
  const count = view.getUint8(HEADER);
  if (view.byteLength < HEADER + 1 + count * POSE) return [];
  const poses: ArenaPose[] = [];
  for (let at = HEADER + 1; poses.length < count; at += POSE) {
    poses.push({
      id: view.getUint8(at),
      x: view.getUint16(at + 1) / 1600 - 4,
      y: view.getUint16(at + 3) / 1600 - 4,
      angle: (view.getUint16(at + 5) / 65536) * 2 * Math.PI,
    });
  }
  return poses;
}

/** What the track `events` carries. */
export type ArenaEvent =
  | { readonly kind: "joined" | "left"; readonly player: string; readonly team: number }
  | { readonly kind: "goal"; readonly team: number; readonly score: readonly [number, number] };
