import type { KeyValuePair } from "./properties.js";
import type { AuthToken } from "./token.js";
import type { VarInt } from "./varint.js";

/** Options of SETUP (draft-18 "Setup Options"). */
export interface SetupOptions {
  /** 0x01; from clients over native QUIC only. */
  readonly path?: string | undefined;
  /** 0x03, may be repeated. */
  readonly tokens?: readonly AuthToken[] | undefined;
  /** 0x04; bytes, absent means 0. */
  readonly maxAuthTokenCacheSize?: VarInt | undefined;
  /** 0x05; from clients over native QUIC only. */
  readonly authority?: string | undefined;
  /** 0x07: name and version of the implementation. */
  readonly implementation?: string | undefined;
  /** Options that this library does not know (grease among them), in the order of the message. */
  readonly unknown?: readonly KeyValuePair[] | undefined;
}
