import { ATTACKS, attacked } from "./attacked.js";
import { pageOverMoq, pageOverWebSocket } from "./browser.js";
import type { Contender } from "./contender.js";
import { datagram } from "./datagram.js";
import { moqNet, webTransport } from "./moq-dev.js";
import { binding, node, rust } from "./ours.js";
import { arenaOverMoq, arenaOverWebSocket, mocapOverMoq, mocapOverWebSocket } from "./presets.js";
import { puerts, puertsPublishers } from "./puerts.js";
import { moqRelay, moqRelayIetf } from "./relays.js";
import { uws, ws } from "./web-socket.js";

export const CONTENDERS: readonly Contender[] = [
  datagram,
  ws,
  uws,
  webTransport,
  moqNet,
  node("datagram"),
  node("latest"),
  node("reliable"),
  node("reliable", 1),
  rust("datagram"),
  rust("latest"),
  rust("reliable"),
  binding("datagram"),
  binding("reliable"),
  moqRelayIetf("datagram"),
  moqRelayIetf("latest"),
  moqRelayIetf("reliable"),
  moqRelay("datagram"),
  moqRelay("latest"),
  moqRelay("reliable"),
  pageOverWebSocket,
  pageOverMoq("datagram"),
  pageOverMoq("latest"),
  pageOverMoq("reliable"),
  pageOverMoq("datagram", true),
  pageOverMoq("reliable", true),
  arenaOverWebSocket,
  arenaOverMoq("datagram"),
  arenaOverMoq("latest"),
  mocapOverWebSocket,
  mocapOverMoq,
  puerts("reliable"),
  puerts("reliable", true),
  puerts("latest"),
  puerts("latest", true),
  ...puertsPublishers,
  ...ATTACKS.map(attacked),
];

/** By its id. */
export function contender(id: string): Contender {
  const found = CONTENDERS.find((each) => each.id === id);
  if (found === undefined) throw new Error(`there is no contender "${id}"`);
  return found;
}
