/** MoQ for browsers: everything that a page needs, the shared interface included. */
export type {
  CertificateHash,
  CertificateReason,
  Client,
  ClientOptions,
  ClientState,
  ClientStats,
  CloseOptions,
  Delivery,
  DrainOptions,
  DrainResult,
  EndReason,
  FetchOptions,
  Gap,
  MoqErrorCode,
  MoqObject,
  NamespaceChange,
  NamespaceLike,
  ProtocolInfo,
  Publication,
  PublicationStats,
  PublishOptions,
  Signal,
  SubscribeOptions,
  Subscription,
  SubscriptionStats,
  TrackRef,
  TrackStatus,
} from "@moq-game/core";
export { ERROR_CODES, MoqError } from "@moq-game/core";
export { connect } from "./connect.js";
export type { WebClientOptions } from "./options.js";
