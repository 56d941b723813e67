/** Names of everything that travels, in one place for backend, bots and page. */

/** Simulation and publishing rate in updates per second. */
export const TICK_RATE = 60;

/** The match's own namespace: `world`, `poses` and `events` live here. */
export function matchNamespace(match: string): string {
  return `arena/${match}`;
}

/** Prefix under which every player announces a namespace of their own. */
export function playersPrefix(match: string): string {
  return `arena/${match}/players`;
}

/** A player's namespace; it holds one track, `input`. */
export function playerNamespace(match: string, player: string): string {
  return `${playersPrefix(match)}/${player}`;
}

/** Authoritative state: a keyframe a second, deltas between (`reliable`). */
export const WORLD_TRACK = "world";
/** Where every body is, newest only (`latest`). */
export const POSES_TRACK = "poses";
/** Goals, joins and leaves as JSON (`reliable`). */
export const EVENTS_TRACK = "events";
/** A player's stick and buttons (`datagram`). */
export const INPUT_TRACK = "input";

/** What the page asks the backend's web server for before it connects. */
export interface ArenaConfig {
  readonly relayUrl: string;
  readonly certificateHash: string;
  readonly match: string;
}
