import { SessionCode, WireError } from "../wire/error.js";
import type { RequestMessage } from "../wire/message.js";
import { tracksEqual } from "../wire/name.js";
import type { VarInt } from "../wire/varint.js";
import type { RequestState } from "./request-state.js";
import { SessionError } from "./types.js";

/** Track aliases, the peer's and ours (draft-18 "Track Alias"). */
export class Aliases {
  private readonly peer = new Map<VarInt, RequestState>();
  private readonly own = new Map<VarInt, RequestState>();
  /** Aliases of subscriptions that ended, oldest first. */
  private readonly retired = new Set<VarInt>();

  constructor(
    private readonly maxRetired: number,
    /** An alias of the peer became known: data that was held for it can go on. */
    private readonly known: (alias: VarInt) => void,
  ) {}

  /** The subscription behind an alias of the peer. */
  lookup(alias: VarInt): RequestState | undefined {
    return this.peer.get(alias);
  }

  isRetired(alias: VarInt): boolean {
    return this.retired.has(alias);
  }

  /** The peer uses `alias` for a subscription. Throws DUPLICATE_TRACK_ALIAS. */
  register(alias: VarInt, state: RequestState): void {
    const other = this.peer.get(alias);
    if (other !== undefined && other.done === undefined && !sameTrack(other, state)) {
      throw new WireError(
        SessionCode.DuplicateTrackAlias,
        `track alias ${alias} is in use for another track`,
      );
    }
    state.alias = alias;
    this.peer.set(alias, state);
    this.retired.delete(alias);
  }

  /** After {@link Aliases.register}, when the owner was told of the subscription. */
  announce(alias: VarInt): void {
    this.known(alias);
  }

  /** We use `alias` for a subscription. Throws SessionError when another track has it. */
  claimOwn(alias: VarInt, state: RequestState): void {
    const other = this.own.get(alias);
    if (other !== undefined && other !== state && !sameTrack(other, state)) {
      throw new SessionError("invalid", `track alias ${alias} is in use for another track`);
    }
    state.alias = alias;
    this.own.set(alias, state);
  }

  /** Whether a subscription other than `state` still uses our alias `alias`. */
  usedByOther(alias: VarInt, state: RequestState): boolean {
    const user = this.own.get(alias);
    return user !== undefined && user !== state;
  }

  release(state: RequestState): void {
    const { alias } = state;
    if (alias === undefined) return;
    if (this.own.get(alias) === state) this.own.delete(alias);
    if (this.peer.get(alias) !== state) return;
    this.peer.delete(alias);
    this.retired.add(alias);
    if (this.retired.size <= this.maxRetired) return;
    for (const oldest of this.retired) {
      this.retired.delete(oldest);
      break;
    }
  }
}

function sameTrack(a: RequestState, b: RequestState): boolean {
  const x = trackOf(a.message);
  const y = trackOf(b.message);
  return x !== undefined && y !== undefined && tracksEqual(x, y);
}

function trackOf(message: RequestMessage) {
  return "track" in message ? message.track : undefined;
}
