/** Contenders of the presets, which are more than one track to many. */
import type { Delivery } from "@moq-game/core";
import { ALL_TRACKS } from "../roles/mocap.js";
import { type Contender, TCP, UDP } from "./contender.js";

const always = (): undefined => undefined;

export function arenaOverMoq(delivery: Delivery): Contender {
  return {
    id: `arena-${delivery}`,
    label: `moq-game in Node, states as \`${delivery}\``,
    headers: UDP,
    missing: always,
    async start(stage, load) {
      const { url, certificateHash } = await stage.role("server", "arena-server", {
        load,
        delivery,
      });
      const relay = { url: String(url), certificateHash: String(certificateHash) };
      await stage.role("subscriber", "arena-players", { load, delivery, ...relay });
    },
  };
}

export const arenaOverWebSocket: Contender = {
  id: "arena-ws",
  label: "`ws`",
  headers: TCP,
  missing: always,
  async start(stage, load) {
    const { port } = await stage.role("server", "arena-web-socket-server", { load });
    await stage.role("subscriber", "arena-web-socket-players", { load, port: Number(port) });
  },
};

export const mocapOverMoq: Contender = {
  id: "mocap-moq",
  label: "moq-game in Node, faces as `datagram`, bodies as `latest`",
  headers: UDP,
  missing: always,
  async start(stage, load) {
    const { url, certificateHash } = await stage.role("server", "relay", { load });
    const relay = { load, url: String(url), certificateHash: String(certificateHash) };
    await stage.role("publisher", "mocap-publishers", relay);
    await stage.role("subscriber", "mocap-subscribers", relay);
  },
};

export const mocapOverWebSocket: Contender = {
  id: "mocap-ws",
  label: "`ws`",
  headers: TCP,
  missing: always,
  async start(stage, load) {
    const port = Number((await stage.role("server", "web-socket-server", { load })).port);
    await stage.role("publisher", "mocap-web-socket-publishers", { load, port });
    const tracks = ALL_TRACKS.length;
    await stage.role("subscriber", "web-socket-subscribers", { load, port, tracks });
  },
};
