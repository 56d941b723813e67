import { type Client, connectedPair } from "@moq-game/core";
import { afterEach } from "vitest";

const surroundings = {
  now: () => performance.now(),
  setTimer: (run: () => void, ms: number) => setTimeout(run, ms),
  clearTimer: (handle: unknown) => clearTimeout(handle as NodeJS.Timeout),
};

let clients: Client[] = [];

/** Two clients that are connected without a network; closed after the test. */
export async function pair(): Promise<readonly [Client, Client]> {
  const made = await connectedPair(surroundings);
  clients = [...made];
  return made;
}

afterEach(async () => {
  await Promise.all(clients.map((client) => client.close()));
});

export const soon = () => new Promise((resolve) => setTimeout(resolve, 2));

export async function until(holds: () => boolean): Promise<void> {
  const end = Date.now() + 20_000;
  while (!holds()) {
    if (Date.now() > end) throw new Error("not within 20 s");
    await soon();
  }
}
