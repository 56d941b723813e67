import type { Reader, Writer } from "./cursor.js";
import { SessionCode, WireError } from "./error.js";
import type { VarInt } from "./varint.js";

/**
 * An authorization token (draft-18 "AUTHORIZATION TOKEN Parameter"). `register` and `use_value`
 * carry the token; `delete` and `use_alias` refer to one registered before.
 */
export type AuthToken =
  | { readonly kind: "delete"; readonly alias: VarInt }
  | {
      readonly kind: "register";
      readonly alias: VarInt;
      readonly tokenType: VarInt;
      readonly value: Uint8Array;
    }
  | { readonly kind: "use_alias"; readonly alias: VarInt }
  | { readonly kind: "use_value"; readonly tokenType: VarInt; readonly value: Uint8Array };

/** Decodes a token that fills the rest of `reader`; KEY_VALUE_FORMATTING_ERROR when it cannot be. */
export function decodeAuthToken(reader: Reader): AuthToken {
  let token: AuthToken;
  try {
    const aliasType = reader.varint();
    if (aliasType === 0) token = { kind: "delete", alias: reader.varint() };
    else if (aliasType === 1) {
      const alias = reader.varint();
      const tokenType = reader.varint();
      token = { kind: "register", alias, tokenType, value: reader.rest() };
    } else if (aliasType === 2) token = { kind: "use_alias", alias: reader.varint() };
    else if (aliasType === 3) {
      const tokenType = reader.varint();
      token = { kind: "use_value", tokenType, value: reader.rest() };
    } else throw malformed(`alias type ${aliasType} of an authorization token is unknown`);
  } catch (error) {
    if (error instanceof WireError) throw malformed(error.message);
    throw error;
  }
  if (reader.remaining() !== 0) throw malformed("bytes left over after an authorization token");
  return token;
}

/** Appends the token without a length prefix. */
export function encodeAuthToken(writer: Writer, token: AuthToken): void {
  switch (token.kind) {
    case "delete":
      writer.u8(0);
      writer.varint(token.alias);
      return;
    case "register":
      writer.u8(1);
      writer.varint(token.alias);
      writer.varint(token.tokenType);
      writer.bytes(token.value);
      return;
    case "use_alias":
      writer.u8(2);
      writer.varint(token.alias);
      return;
    case "use_value":
      writer.u8(3);
      writer.varint(token.tokenType);
      writer.bytes(token.value);
  }
}

function malformed(message: string): WireError {
  return new WireError(SessionCode.KeyValueFormattingError, message);
}
