// Gameplay code as a user writes it. The tests compile it with the TypeScript of the day and with that of
// Puerts' editor plugin, and run it in a Puerts host with an actor of their own.
import {
  type Client,
  connect,
  type Following,
  follow,
  MoqError,
  receiveEvents,
  replicate,
  sendEvents,
  tick,
} from "@moq-game/unreal";
import type * as UE from "ue";

export interface Match {
  readonly client: Client;
  readonly rival: Following;
  readonly scores: string[];
  /** From the actor's tick. */
  update(deltaSeconds: number): void;
  leave(): Promise<void>;
}

export async function join(hero: UE.Character, url: string, hash: string): Promise<Match> {
  const client = await connect(url, { serverCertificateHashes: [hash] });
  const mine = replicate(client, ["match/1", hero.GetName()], hero, { rate: 30 });
  const events = sendEvents(client, ["match/1", "events"]);
  events.forward(hero.OnScored, "scored");
  const heard = receiveEvents(client, ["match/1", "events"], { wait: 10_000 });
  const scores: string[] = [];
  heard.on("scored", (player, points) => scores.push(`${player}: ${points}`));
  let now = 0;
  const rival = follow(client, ["match/1", hero.GetName()], () => now, { wait: 10_000 });
  await Promise.all([mine.publication.ready, events.publication.ready]);
  return {
    client,
    rival,
    scores,
    update(deltaSeconds) {
      now += deltaSeconds * 1_000;
      tick();
      mine.update(deltaSeconds);
      heard.update();
      const pose = rival.update();
      if (pose !== undefined && hero.Rival !== null) pose.location.X.toFixed(1);
    },
    async leave() {
      await events.close();
      await mine.close();
      await client.close();
    },
  };
}

export function explain(error: unknown): string {
  return error instanceof MoqError ? `${error.code}: ${error.message}` : String(error);
}

export function wrong(client: Client): void {
  // @ts-expect-error an unknown delivery class is refused by the compiler
  client.publish(["a", "b"], { delivery: "sometimes" });
}
