import { Reader, type Writer } from "./cursor.js";
import { SessionCode, violation, WireError } from "./error.js";
import { decodePairs, encodePairs, type KeyValuePair } from "./properties.js";
import { type AuthToken, decodeAuthToken, encodeAuthToken } from "./token.js";
import type { Utf8 } from "./utf8.js";
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

const SetupOption = {
  Path: 0x01,
  AuthorizationToken: 0x03,
  MaxAuthTokenCacheSize: 0x04,
  Authority: 0x05,
  Implementation: 0x07,
} as const;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Decodes options until `reader` is at its end. */
export function decodeSetup(reader: Reader, utf8: Utf8): SetupOptions {
  const options: Mutable<SetupOptions> = {};
  const tokens: AuthToken[] = [];
  const unknown: KeyValuePair[] = [];
  const text = (option: "path" | "authority" | "implementation", value: Uint8Array): void => {
    if (options[option] !== undefined) throw repeated(option);
    options[option] = utf8.decode(value);
  };
  for (const pair of decodePairs(reader)) {
    switch (pair.type) {
      case SetupOption.Path:
        text("path", pair.value as Uint8Array);
        break;
      case SetupOption.Authority:
        text("authority", pair.value as Uint8Array);
        break;
      case SetupOption.Implementation:
        text("implementation", pair.value as Uint8Array);
        break;
      case SetupOption.AuthorizationToken:
        tokens.push(decodeAuthToken(new Reader(pair.value as Uint8Array)));
        break;
      case SetupOption.MaxAuthTokenCacheSize:
        if (options.maxAuthTokenCacheSize !== undefined) throw repeated("maxAuthTokenCacheSize");
        options.maxAuthTokenCacheSize = pair.value as VarInt;
        break;
      default:
        unknown.push(pair);
    }
  }
  if (tokens.length > 0) options.tokens = tokens;
  if (unknown.length > 0) options.unknown = unknown;
  return options;
}

export function encodeSetup(writer: Writer, options: SetupOptions, utf8: Utf8): void {
  const pairs: KeyValuePair[] = [];
  const text = (type: number, value: string | undefined): void => {
    if (value !== undefined) pairs.push({ type, value: utf8.encode(value) });
  };
  text(SetupOption.Path, options.path);
  for (const token of options.tokens ?? []) {
    const value = writer.scratch((inner) => encodeAuthToken(inner, token));
    pairs.push({ type: SetupOption.AuthorizationToken, value });
  }
  if (options.maxAuthTokenCacheSize !== undefined) {
    const value = options.maxAuthTokenCacheSize;
    pairs.push({ type: SetupOption.MaxAuthTokenCacheSize, value });
  }
  text(SetupOption.Authority, options.authority);
  text(SetupOption.Implementation, options.implementation);
  pairs.push(...(options.unknown ?? []));
  encodePairs(writer, pairs);
}

/**
 * Checks PATH and AUTHORITY of a peer's SETUP: only a client over native QUIC may send them, and
 * they follow the URI rules. Throws the code that the draft names.
 */
export function checkPeerSetup(
  options: SetupOptions,
  peerIsClient: boolean,
  nativeQuic: boolean,
): void {
  const allowed = peerIsClient && nativeQuic;
  if (options.path !== undefined) {
    if (!allowed) throw new WireError(SessionCode.InvalidPath, "PATH does not belong here");
    // path-abempty [ "?" query ] of RFC 3986.
    if (
      !/^(\/(%[0-9A-Fa-f]{2}|[\w\-.~!$&'()*+,;=:@/])*)?(\?(%[0-9A-Fa-f]{2}|[\w\-.~!$&'()*+,;=:@/?])*)?$/.test(
        options.path,
      )
    ) {
      throw new WireError(SessionCode.MalformedPath, "PATH is no path of a URI");
    }
  }
  if (options.authority !== undefined) {
    if (!allowed)
      throw new WireError(SessionCode.InvalidAuthority, "AUTHORITY does not belong here");
    if (!/^(%[0-9A-Fa-f]{2}|[\w\-.~!$&'()*+,;=:@[\]])+$/.test(options.authority)) {
      throw new WireError(SessionCode.MalformedAuthority, "AUTHORITY is no authority of a URI");
    }
  }
}

function repeated(option: string): WireError {
  return violation(`setup option ${option} is repeated`);
}
