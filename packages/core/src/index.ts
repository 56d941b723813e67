/**
 * The public list of @moq-game/core. Applications install a host's package (`@moq-game/web`,
 * `@moq-game/node-native`, `@moq-game/unreal`), which exports `api.ts` as well; what a host needs to
 * connect follows below.
 */
export * from "./api.js";
// For hosts that bring a transport.
export type { ClientSetup } from "./client/client.js";
export {
  connectOverTransport,
  startClient,
  type TransportUse,
} from "./client/connect.js";
export { type Dial, type DialTo, IMPLEMENTATION } from "./client/connector.js";
export { closeError } from "./client/errors.js";
export type { Host, LogLevel } from "./client/host.js";
// For hosts that carry calls elsewhere (a worker, a native library).
export { Listeners } from "./client/listeners.js";
// A connection within one process, for tests and for servers that are their own clients.
export { connectedPair } from "./client/pair.js";
export { type ReaderConfig, type ReaderDrop, ReaderQueue } from "./client/reader.js";
export type { MoqErrorOptions } from "./errors.js";
export { type Carrier, type MemoryOptions, type MemoryPair, memoryPair } from "./memory.js";
export { currentToken } from "./options/credentials.js";
export {
  type ResolvedClientOptions,
  type ResolvedFetchOptions,
  type ResolvedPublishOptions,
  type ResolvedSubscribeOptions,
  type ResolvedTrack,
  requireBytes,
  resolveClientOptions,
  resolveCloseOptions,
  resolveFetchOptions,
  resolveNamespace,
  resolveNamespacePrefix,
  resolvePublishOptions,
  resolveSubscribeOptions,
  resolveTrack,
} from "./options.js";
export type {
  CloseReason,
  DatagramResult,
  Dir,
  StreamId,
  Transport,
  TransportEvents,
  TransportStats,
} from "./transport.js";
export { draft18 } from "./wire/draft18.js";
export type { Utf8 } from "./wire/utf8.js";
