import { type Client, connect, type Publication, type Subscription } from "@moq-game/web";
import { decode, decodeEvent, encode, type MatchEvent, type Pose } from "../shared/codec.js";
import {
  type ArenaConfig,
  EVENTS_TRACK,
  INPUT_TRACK,
  matchNamespace,
  POSES_TRACK,
  playerNamespace,
  TICK_RATE,
  WORLD_TRACK,
} from "../shared/tracks.js";
import { Controls } from "./controls.js";
import { FieldPainter } from "./draw.js";
import { Facts, Plot } from "./hud.js";
import { MatchView } from "./match-view.js";
import { REACH, Replay } from "./replay.js";
import { Timeline } from "./timeline.js";

/** Inputs per second that a player sends. */
const INPUT_RATE = 60;

function element<T extends HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found as T;
}

/** One visit to the page: watches the match at once, plays after joining. */
class Arena {
  private readonly view = new MatchView();
  private readonly painter = new FieldPainter(element<HTMLCanvasElement>("field"));
  private readonly controls = new Controls(element("stick"), element("dash"));
  private readonly facts = new Facts(element("facts"));
  private readonly timeline = new Timeline(
    element("seek"),
    element("behind"),
    element("live"),
    (seconds) => this.rewind(seconds),
  );
  private readonly plots = {
    rate: new Plot(element<HTMLCanvasElement>("plot-rate"), "#36d6e7"),
    age: new Plot(element<HTMLCanvasElement>("plot-age"), "#ffb347"),
    frame: new Plot(element<HTMLCanvasElement>("plot-frame"), "#9f8cff"),
  };
  private readonly subscriptions: Subscription[];
  /** What is shown instead of the live match, and the newest group of that. */
  private replay: Replay | undefined;
  private group = 0;
  private me: string | undefined;
  private frames = 0;
  private worstFrame = 0;
  private lastFrame = performance.now();
  private updatesBefore = 0;
  private gapsReported = 0;
  private roundTrip: number | undefined;
  private following = false;
  private left = false;

  constructor(
    private readonly client: Client,
    private readonly config: ArenaConfig,
  ) {
    const namespace = matchNamespace(config.match);
    const world = client.subscribe([namespace, WORLD_TRACK], { wait: 10_000 });
    const poses = client.subscribe([namespace, POSES_TRACK], { wait: 10_000 });
    const events = client.subscribe([namespace, EVENTS_TRACK], { wait: 10_000 });
    this.subscriptions = [world, poses, events];
    for (const subscription of [world, poses]) {
      subscription.onReadable(() => {
        subscription.drain(({ group, bytes }) => {
          if (subscription === world) this.group = group;
          this.update(bytes);
        });
      });
      subscription.onGap(() => {
        this.gapsReported += 1;
      });
    }
    const since = performance.now();
    events.onReadable(() => {
      events.drain((object) => {
        // The current group's older events come first; only what happens from now on is news.
        if (object.bytes.length > 0 && performance.now() - since > 500) {
          this.announce(decodeEvent(object.bytes));
        }
      });
    });
    world.ready.then(
      () => this.opened(),
      (error: Error) => this.failed(error),
    );
    client.onState((state, reason) => {
      if (state === "open") this.status("live");
      // The score has its place beside it: why is there for those who point at it.
      else if (state === "reconnecting") this.status("reconnecting …", true, reason?.message);
      else this.status(reason === undefined ? state : `${state}: ${reason.message}`, true);
      if (state !== "open") void this.followBackend();
    });
    element("join").addEventListener("submit", (event) => {
      event.preventDefault();
      this.join(element<HTMLInputElement>("name").value);
    });
    setInterval(() => this.measure(), 1000);
    requestAnimationFrame((time) => this.frame(time));
  }

  /** For tests and the curious: what the page knows right now. */
  snapshot(): object {
    const { view, poses } = this.shown();
    return {
      tick: view.tick,
      updates: view.updates,
      missing: view.missing,
      behind: this.replay?.behind ?? 0,
      me: this.me,
      bodies: [...view.bodies.values()].map((body) => ({
        name: body.name,
        kind: body.kind,
        x: poses.get(body.id)?.x ?? body.x,
        y: poses.get(body.id)?.y ?? body.y,
      })),
    };
  }

  private update(bytes: Uint8Array): void {
    const update = decode(bytes);
    if (update.type === "poses") this.view.poses(update, Date.now());
    else if (update.type !== "input") this.view.world(update, Date.now());
  }

  private shown(): { view: MatchView; poses: ReadonlyMap<number, Pose> } {
    const { replay, view } = this;
    if (replay === undefined) return { view, poses: view.at(Date.now()) };
    return { view: replay.view, poses: replay.view.at(replay.time ?? 0) };
  }

  /** Shows what was some seconds ago; 0 goes back to the live match. */
  private rewind(seconds: number): void {
    const track = [matchNamespace(this.config.match), WORLD_TRACK] as const;
    const live = () => ({ group: this.group, time: this.view.backendTime(Date.now()) });
    const failed = (error: Error) => {
      if (this.replay !== replay) return;
      this.replay = undefined;
      this.say(`No replay: ${error.message}`);
    };
    const fetch = (fromGroup: number, toGroup: number) =>
      this.client.fetch(track, { fromGroup, toGroup });
    const replay =
      seconds === 0 ? undefined : new Replay(fetch, live().time - seconds * 1000, live, failed);
    this.replay = replay;
  }

  private opened(): void {
    this.status("live");
    element<HTMLButtonElement>("play").disabled = false;
  }

  private failed(error: Error): void {
    this.status(error.message, true);
  }

  private status(text: string, bad = false, detail = ""): void {
    const status = element("status");
    status.textContent = text;
    status.title = detail;
    status.classList.toggle("bad", bad);
  }

  /** A backend that was started again has another relay and another match: the page begins again with it. */
  private async followBackend(): Promise<void> {
    if (this.following) return;
    this.following = true;
    while (!this.left && this.client.state !== "open") {
      await new Promise((resolve) => setTimeout(resolve, 1000));
      const config = await readConfig().catch(() => undefined);
      if (config !== undefined && config.certificateHash !== this.config.certificateHash) {
        location.reload();
        return;
      }
    }
    this.following = false;
  }

  private join(wish: string): void {
    if (this.me !== undefined) return;
    const tag = Math.random().toString(36).slice(2, 6).padEnd(4, "0");
    const name = `${wish.replace(/[^\w-]/g, "").slice(0, 12) || "guest"}-${tag}`;
    const input = this.client.publish([playerNamespace(this.config.match, name), INPUT_TRACK], {
      delivery: "datagram",
      priority: 5,
    });
    this.me = name;
    element("join").hidden = true;
    for (const id of ["hint", "stick", "dash"]) element(id).hidden = false;
    this.play(input);
  }

  private play(input: Publication): void {
    let sequence = 0;
    const timer = setInterval(() => {
      if (this.client.state === "closed") {
        clearInterval(timer);
        return;
      }
      sequence += 1;
      input.send(encode({ type: "input", sequence, ...this.controls.read() }));
    }, 1000 / INPUT_RATE);
  }

  private announce(event: MatchEvent): void {
    const team = event.team === 0 ? "Cyan" : "Amber";
    this.say(
      event.kind === "goal"
        ? `Goal for ${team}! ${event.score[0]} : ${event.score[1]}`
        : `${event.player.replace(/-[0-9a-z]{4}$/, "")} ${event.kind} ${team}`,
      event.team === 0 ? "left" : "right",
    );
  }

  private say(text: string, side = ""): void {
    const item = document.createElement("li");
    item.className = side;
    item.textContent = text;
    const feed = element("feed");
    feed.append(item);
    while (feed.children.length > 4) feed.firstElementChild?.remove();
    item.addEventListener("animationend", () => item.remove());
  }

  private frame(time: number): void {
    this.frames += 1;
    const passed = time - this.lastFrame;
    this.worstFrame = Math.max(this.worstFrame, passed);
    this.lastFrame = time;
    this.replay?.advance(passed);
    this.painter.reserved = element("hud-body").hidden ? 0 : element("hud").offsetWidth + 20;
    const { view, poses } = this.shown();
    this.painter.paint(view.bodies, poses, this.me);
    this.timeline.show(this.replay?.behind ?? 0, Math.min(REACH, this.view.tick / TICK_RATE));
    requestAnimationFrame((next) => this.frame(next));
  }

  private measure(): void {
    const { view, facts } = this;
    const stats = this.client.stats();
    const { draft, transport } = this.client.protocol;
    const rate = view.updates - this.updatesBefore;
    this.updatesBefore = view.updates;
    const drops = stats.subscriptions.reduce(
      (sum, each) => sum + each.stale + each.late + each.overflow + each.reset,
      0,
    );
    facts.set("connection", stats.state, stats.state !== "open");
    facts.set("reconnects", String(stats.reconnects));
    facts.set("draft", `moqt-${draft}`);
    facts.set("transport", transport);
    const roundTrip = stats.rtt ?? this.roundTrip;
    facts.set("round trip", roundTrip === undefined ? "–" : `${roundTrip.toFixed(1)} ms`);
    if (stats.rtt === undefined) void this.ping();
    facts.set("updates", `${rate} /s`, rate < 55);
    facts.set("update no.", String(view.tick));
    facts.set("age", `${view.age.toFixed(0)} ms`, view.age > 250);
    facts.set(
      "gaps",
      String(this.gapsReported + view.missing),
      this.gapsReported + view.missing > 0,
    );
    facts.set("drops", String(drops));
    facts.set("frames", `${this.frames} /s`);
    this.plots.rate.add(rate);
    this.plots.age.add(view.age);
    this.plots.frame.add(this.worstFrame);
    this.frames = 0;
    this.worstFrame = 0;
    const { score } = this.shown().view;
    element("score-left").textContent = String(score[0]);
    element("score-right").textContent = String(score[1]);
  }

  /** Browsers do not tell the round trip: the time of a small question to the relay does. */
  private async ping(): Promise<void> {
    const asked = performance.now();
    try {
      await this.client.status([matchNamespace(this.config.match), WORLD_TRACK]);
      this.roundTrip = performance.now() - asked;
    } catch {
      // Closing, or the match is over: the status line tells.
      this.roundTrip = undefined;
    }
  }

  async leave(): Promise<void> {
    this.left = true;
    for (const subscription of this.subscriptions) subscription.close();
    await this.client.close();
  }
}

async function readConfig(): Promise<ArenaConfig> {
  return (await (await fetch("./arena.json", { cache: "no-store" })).json()) as ArenaConfig;
}

const toggle = element("hud-toggle");
toggle.addEventListener("click", () => {
  const open = toggle.getAttribute("aria-expanded") !== "true";
  toggle.setAttribute("aria-expanded", String(open));
  element("hud-body").hidden = !open;
});
// A phone's screen belongs to the match.
if (innerWidth < 720) toggle.click();

try {
  const config = await readConfig();
  const client = await connect(config.relayUrl, {
    serverCertificateHashes: [config.certificateHash],
  });
  const arena = new Arena(client, config);
  Object.assign(globalThis, { arena });
  addEventListener("pagehide", () => void arena.leave());
} catch (error) {
  const status = element("status");
  status.textContent = error instanceof Error ? error.message : String(error);
  status.classList.add("bad");
}
