/** Chromium as the subscriber. */
import type { Delivery } from "@moq-game/core";
import { findChromium } from "../../../chromium.mjs";
import { type Contender, TCP, UDP } from "./contender.js";

const missing = (): string | undefined =>
  findChromium() === undefined ? "there is no Chromium" : undefined;

export function pageOverMoq(delivery: Delivery, worker = false): Contender {
  return {
    id: `page-${delivery}${worker ? "-worker" : ""}`,
    label: `moq-game in Chromium, \`${delivery}\`${worker ? ", protocol in a worker" : ""}`,
    headers: UDP,
    missing,
    async start(stage, load) {
      const { acks } = stage;
      const relay = await stage.role("server", "relay", { load });
      const [url, certificateHash] = [String(relay.url), String(relay.certificateHash)];
      const peer = { load, acks, url, certificateHash, delivery };
      await stage.role("publisher", "node-publisher", peer, { starts: load.rate > 0 });
      await stage.role("subscriber", "browser-subscriber", { ...peer, over: "moq", worker });
    },
  };
}

export const pageOverWebSocket: Contender = {
  id: "page-ws",
  label: "a page's WebSocket, from `ws`",
  headers: TCP,
  missing,
  async start(stage, load) {
    const { acks } = stage;
    const port = Number((await stage.role("server", "web-socket-server", { load })).port);
    await stage.role(
      "publisher",
      "web-socket-publisher",
      { load, port, acks },
      { starts: load.rate > 0 },
    );
    const url = `ws://127.0.0.1:${port}/subscribe`;
    await stage.role("subscriber", "browser-subscriber", { load, acks, url, over: "ws" });
  },
};
