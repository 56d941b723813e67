// The game begins here. UMoqGameInstance (Source/MoqGame) makes a script environment, has Puerts run this file,
// and hands itself over; `Config/DefaultGame.ini` says which relay and which match. It stays in one level: actors go with
// theirs, so a game that travels to another one leaves the match before and joins again after.
import { argv } from "puerts";
import * as UE from "ue";
import { Match } from "./match";

const game = argv.getByName("GameInstance") as UE.MoqGameInstance;
/** This game's name in the match; each window of play in the editor needs its own. */
const self = `unreal-${Math.random().toString(36).slice(2, 8)}`;

let match: Match | undefined;
let published = false;
let over = false;

// Both are bound once: binding a function anew for each call would leak an object of the engine each time.
game.OnFrame.Add((deltaSeconds) => {
  if (match === undefined) return;
  // There is no pawn yet in the first frames.
  const pawn = published ? undefined : UE.GameplayStatics.GetPlayerPawn(game, 0);
  if (pawn) {
    match.publish(pawn, self);
    published = true;
  }
  match.tick(deltaSeconds);
});
game.OnGameEnd.Add(() => {
  over = true;
  match?.leave().catch(complain);
});

async function start(): Promise<void> {
  if (game.RelayUrl === "") {
    console.warn(
      'moq: no relay. Run "npm run demo" in moq-game, and put the URL and the hash that it',
    );
    console.warn("moq: prints into Config/DefaultGame.ini: RelayUrl and RelayCertificateHash.");
    return;
  }
  const hash = game.RelayCertificateHash;
  const joined = await Match.join(game.RelayUrl, game.MatchName, hash === "" ? undefined : hash);
  if (over) return joined.leave();
  match = joined;
  console.log(`moq: ${self} is in the match ${game.MatchName} on ${game.RelayUrl}`);
  match.watch(spawn, (text) => console.log(`moq: ${text}`), remove);
  await match.follow(self, spawn, remove);
}

function spawn(): UE.Actor {
  const body = game.SpawnBody();
  if (!body) throw new Error("there is no world to spawn an actor in");
  return body;
}

function remove(actor: UE.Actor): void {
  actor.K2_DestroyActor();
}

/** A MoqError's message says what is wrong and what to do. */
function complain(error: unknown): void {
  console.error(`moq: ${error instanceof Error ? error.message : String(error)}`);
}

start().catch(complain);
