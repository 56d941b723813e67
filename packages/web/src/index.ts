/** MoQ for browsers: everything that a page needs, the shared interface included. */
export * from "@moq-game/core/api";
export { connect } from "./connect.js";
export type { WebClientOptions } from "./options.js";
