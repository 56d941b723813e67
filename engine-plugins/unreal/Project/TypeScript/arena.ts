// The arena of examples/arena, as its backend publishes it: the names of its tracks and the part of its
// binary form that a spectator needs. Positions are 1/1600 m, angles 1/65,536 of a turn, big-endian.

/** Where every body is, newest only. */
export const POSES_TRACK = "poses";
/** Goals, joins and leaves as JSON. */
export const EVENTS_TRACK = "events";

export function matchNamespace(match: string): string {
  return `arena/${match}`;
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
