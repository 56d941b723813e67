/** The preset mocap: each performer has a face at 120 Hz and a body at 60 Hz. */
import type { Delivery } from "@moq-game/core";
import type { Load } from "../load.js";

export interface MocapTrack {
  readonly name: string;
  readonly delivery: Delivery;
  readonly rate: number;
  readonly size: number;
}

export const PERFORMERS = 2;

/** A face of 52 shapes; a body of 68 bones, and one of 161 bones with curves. */
const TRACKS: readonly (readonly MocapTrack[])[] = [
  [
    { name: "face-0", delivery: "datagram", rate: 120, size: 300 },
    { name: "body-0", delivery: "latest", rate: 60, size: 6_400 },
  ],
  [
    { name: "face-1", delivery: "datagram", rate: 120, size: 300 },
    { name: "body-1", delivery: "latest", rate: 60, size: 17_000 },
  ],
];

export const NAMESPACE = "bench/mocap";

export const tracksOf = (performer: number): readonly MocapTrack[] => TRACKS[performer] ?? [];

/** All of them; the place in it is the number that a WebSocket message carries after the header. */
export const ALL_TRACKS: readonly MocapTrack[] = TRACKS.flat();

export function trackLoad(load: Load, track: MocapTrack): Load {
  return { ...load, rate: track.rate, size: track.size, group: 1 };
}
