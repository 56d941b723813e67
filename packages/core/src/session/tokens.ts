import { RequestErrorCode, SessionCode, violation, WireError } from "../wire/error.js";
import { bytesEqual } from "../wire/name.js";
import type { AuthToken } from "../wire/token.js";
import type { VarInt } from "../wire/varint.js";
import type { ResolvedToken } from "./types.js";

/** What a registered token costs beside its value (draft-18 "MAX_AUTH_TOKEN_CACHE_SIZE"). */
const ENTRY_BYTES = 16;

/** The tokens of a message, or the code of REQUEST_ERROR to refuse it with. */
export type TokenResult =
  | { readonly tokens: readonly ResolvedToken[] }
  | { readonly refuse: number; readonly reason: string };

/** The tokens that a peer registered (draft-18 "AUTHORIZATION TOKEN Parameter"). */
export class TokenCache {
  private readonly entries = new Map<VarInt, ResolvedToken>();
  private size = 0;

  constructor(private readonly limit: number) {}

  /** The tokens of the peer's SETUP. A registration over the limit counts as a plain value. */
  setup(tokens: readonly AuthToken[]): readonly ResolvedToken[] {
    return tokens.map((token) => {
      if (token.kind === "delete" || token.kind === "use_alias") {
        throw violation("SETUP refers to an authorization token registered before");
      }
      if (token.kind === "use_value") return token;
      const resolved = plain(token);
      if (this.entries.has(token.alias)) throw duplicate(token.alias);
      if (this.size + cost(resolved) <= this.limit) this.add(token.alias, resolved);
      return resolved;
    });
  }

  /** Applies the tokens of a message and resolves its aliases. Throws WireError. */
  resolve(tokens: readonly AuthToken[]): TokenResult {
    const resolved: ResolvedToken[] = [];
    let repeated = false;
    for (const token of tokens) {
      const value = this.apply(token);
      if (value === undefined) continue;
      repeated ||= resolved.some((other) => same(other, value));
      resolved.push(value);
    }
    if (!repeated) return { tokens: resolved };
    const reason = "an authorization token is repeated";
    return { refuse: RequestErrorCode.MalformedAuthToken, reason };
  }

  private apply(token: AuthToken): ResolvedToken | undefined {
    switch (token.kind) {
      case "use_value":
        return token;
      case "use_alias":
        return this.known(token.alias);
      case "delete": {
        const entry = this.known(token.alias);
        this.entries.delete(token.alias);
        this.size -= cost(entry);
        return undefined;
      }
      case "register": {
        const entry = plain(token);
        if (this.entries.has(token.alias)) throw duplicate(token.alias);
        if (this.size + cost(entry) > this.limit) {
          throw new WireError(
            SessionCode.AuthTokenCacheOverflow,
            `registered authorization tokens exceed ${this.limit} bytes`,
          );
        }
        this.add(token.alias, entry);
        return entry;
      }
    }
  }

  /**
   * The draft wants the message rejected with UNKNOWN_AUTH_TOKEN_ALIAS and has that code for
   * sessions only.
   */
  private known(alias: VarInt): ResolvedToken {
    const entry = this.entries.get(alias);
    if (entry !== undefined) return entry;
    throw new WireError(
      SessionCode.UnknownAuthTokenAlias,
      `authorization token alias ${alias} is not registered`,
    );
  }

  private add(alias: VarInt, entry: ResolvedToken): void {
    // A copy: the message that carried it is a view of a larger buffer.
    this.entries.set(alias, { ...entry, value: entry.value.slice() });
    this.size += cost(entry);
  }
}

function plain(token: Extract<AuthToken, { kind: "register" }>): ResolvedToken {
  return { kind: "use_value", tokenType: token.tokenType, value: token.value };
}

function cost(token: ResolvedToken): number {
  return ENTRY_BYTES + token.value.length;
}

function same(a: ResolvedToken, b: ResolvedToken): boolean {
  return a.tokenType === b.tokenType && bytesEqual(a.value, b.value);
}

function duplicate(alias: VarInt): WireError {
  return new WireError(
    SessionCode.DuplicateAuthTokenAlias,
    `authorization token alias ${alias} is in use`,
  );
}
