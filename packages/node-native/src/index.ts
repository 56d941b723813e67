/** MoQ for Node: the client over the native library, and the embedded relay. */
export * from "@moq-game/core/api";
export { type ConnectOptions, connect } from "./connect.js";
export {
  type Json,
  type Relay,
  type RelayGrant,
  type RelayLimits,
  type RelayOptions,
  type RelayTokens,
  startRelay,
} from "./relay.js";
