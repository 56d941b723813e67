// Listens to what happens in the arena: goals, players that come and go; every event once, in order.
import { type Client, decodeUtf8, type Subscription } from "@moq-game/unreal";
import { type ArenaEvent, EVENTS_TRACK, matchNamespace } from "./arena";

export class MatchEvents {
  private readonly subscription: Subscription;

  constructor(
    client: Client,
    match: string,
    private readonly hear: (event: ArenaEvent) => void,
  ) {
    // All events of a match are one group: from now on, not from its beginning.
    this.subscription = client.subscribe([matchNamespace(match), EVENTS_TRACK], {
      start: "now",
      wait: 10_000,
    });
    // A `reliable` track tells what it could not keep, and why it ended. `onEnd` comes exactly once.
    this.subscription.onGap((gap) => console.warn(`events were missed: ${gap.reason}`));
    this.subscription.onEnd((reason) => {
      if (reason.error !== undefined) console.error(reason.error.message);
    });
  }

  /** Once a frame. `drain` shows what has arrived since, and never waits. */
  tick(): void {
    this.subscription.drain((object) => {
      // The group begins with an empty object.
      if (object.bytes.length === 0) return;
      this.hear(JSON.parse(decodeUtf8(object.bytes)) as ArenaEvent);
    });
  }

  /** From the EndPlay of whatever shows the events. */
  stop(): void {
    this.subscription.close();
  }
}
