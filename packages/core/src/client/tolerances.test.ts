import { expect, it } from "vitest";
import { TestNetwork } from "../../test/network.js";
import type { PeerInfo } from "../session/types.js";
import { SessionCode } from "../wire/error.js";
import { sessionError } from "./errors.js";
import { discardsPadding } from "./tolerances.js";

it.each(["reset", "finish"] as const)(
  "a peer that drops its control stream (%s) is taken to leave: the client connects again",
  async (how) => {
    const network = new TestNetwork();
    const { reader, states } = await network.connect();
    // Stream 1 is the server's first.
    network.pair?.b[how](1, 0);
    await network.settle();
    expect(states).toEqual(["reconnecting connection_failed"]);
    expect(reader.state).toBe("reconnecting");
  },
);

it("nothing else that breaks the protocol is, and nothing before the session stands", () => {
  const code = SessionCode.ProtocolViolation;
  const of = (reason: string, wasOpen: boolean) =>
    sessionError({ kind: "error", code, reason }, wasOpen)?.code;
  expect(of("the control stream was reset", true)).toBe("connection_failed");
  expect(of("the control stream was reset", false)).toBe("protocol_violation");
  expect(of("a second control stream", true)).toBe("protocol_violation");
});

it("a peer that says nothing of its implementation is sent no padding", () => {
  const peer = (implementation?: string) => ({ options: { implementation } }) as PeerInfo;
  expect(discardsPadding(peer("moq-game-relay/0.1.0"))).toBe(true);
  expect(discardsPadding(peer())).toBe(false);
});
