import { SessionCode, WireError } from "../wire/error.js";
import type { VarInt } from "../wire/varint.js";
import type { RequestId, Role } from "./types.js";

/**
 * The request ids of a peer (draft-18 "Request ID"): right parity, none twice. Streams overtake
 * each other, so ids may come out of order within a window; what lies beyond is no id that a peer
 * which counts in steps of two can have reached, and bounds what has to be remembered.
 */
export class PeerIds {
  /** Every id below was used. */
  private next: number;
  private readonly ahead = new Set<number>();
  private readonly parity: number;

  constructor(
    peer: Role,
    private readonly window: number,
  ) {
    this.parity = peer === "client" ? 0 : 1;
    this.next = this.parity;
  }

  /** Smallest id that no id at or above was seen of, for GOAWAY. */
  smallestUnseen(): RequestId {
    let unseen = this.next;
    for (const id of this.ahead) if (id >= unseen) unseen = id + 2;
    return unseen;
  }

  /** Notes `id` as used. Throws INVALID_REQUEST_ID. */
  use(id: VarInt): RequestId {
    if (typeof id === "bigint" || id % 2 !== this.parity) throw invalid(id, "has the wrong parity");
    if (id < this.next || this.ahead.has(id)) throw invalid(id, "was used before");
    if (id >= this.next + 2 * this.window) throw invalid(id, "is far ahead of those used");
    this.ahead.add(id);
    while (this.ahead.delete(this.next)) this.next += 2;
    return id;
  }
}

function invalid(id: VarInt, why: string): WireError {
  return new WireError(SessionCode.InvalidRequestId, `request id ${id} ${why}`);
}
