import type { SessionLimits } from "./types.js";

/** The limits of a session that is given none. */
export const DEFAULT_LIMITS: SessionLimits = {
  maxRequests: 1024,
  maxOwnRequests: 1024,
  maxUpdates: 16,
  requestIdWindow: 65_536,
  maxStreams: 4096,
  maxObjectSize: 16 * 1024 * 1024,
  maxPropertiesSize: 65_536,
  maxReceiveBuffer: 64 * 1024 * 1024,
  maxEarlyStreams: 64,
  maxEarlyDatagrams: 64,
  earlyDataTimeout: 2000,
  maxRetiredAliases: 1024,
  maxNamespaces: 16_384,
  maxRequestBacklog: 1024 * 1024,
  doneTimeout: 2000,
  responseTimeout: 30_000,
  setupTimeout: 10_000,
  maxAuthTokenCacheSize: 4096,
};
