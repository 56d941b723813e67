import { fileURLToPath } from "node:url";
import { connect, startRelay } from "@moq-game/node-native";
import { Bot } from "./bots.js";
import { Match } from "./match.js";
import { type ArenaOptions, HELP, parseOptions } from "./options.js";
import { servePage } from "./page-server.js";
import { Spectator } from "./spectator.js";

async function run(options: ArenaOptions): Promise<void> {
  const started = performance.now();
  const cpu = process.cpuUsage();
  const relay = await startRelay({ listen: `${options.host}:${options.relayPort}` });
  const credentials = { serverCertificateHashes: [relay.certificateHash] };
  // Real QUIC also within this process: the demonstration shows what two machines would do.
  const quicUrl = relay.url.replace(/^https:/, "moqt:");
  const client = await connect(quicUrl, credentials);
  const match = await Match.start(client, options.match);
  const bots = await Promise.all(
    Array.from({ length: options.bots }, (_, i) =>
      Bot.start(quicUrl, credentials, options.match, `bot-${i + 1}`, i + 1),
    ),
  );
  const spectator = options.headless
    ? await Spectator.start(quicUrl, credentials, options.match)
    : undefined;
  const page = options.headless
    ? undefined
    : await servePage(
        fileURLToPath(new URL("../page", import.meta.url)),
        { relayUrl: relay.url, certificateHash: relay.certificateHash, match: options.match },
        options.host,
        options.port,
      );

  console.log(`relay    ${relay.url}  (certificate sha-256 ${relay.certificateHash})`);
  console.log(`match    ${options.match}: ${match.world.bodyCount} bodies, ${options.bots} bots`);
  if (page !== undefined) console.log(`\n  Open ${page.url} to watch and play. Ctrl+C ends it.\n`);

  await stopped(options.seconds);
  const watched = await spectator?.stop();
  await page?.close();
  await Promise.all(bots.map((bot) => bot.stop()));
  const { bodyCount, tick, score } = match.world;
  const { received, malformed } = match.players;
  await match.stop();
  await client.close();
  await relay.close();
  const used = process.cpuUsage(cpu);
  const seconds = (performance.now() - started) / 1000;
  console.log(
    JSON.stringify({
      match: options.match,
      seconds: Math.round(seconds * 100) / 100,
      ticks: tick,
      skippedTicks: match.skipped,
      bodies: bodyCount,
      bots: options.bots,
      score,
      inputs: { received, malformed },
      refusedUpdates: match.publisher.refused,
      spectator: watched ?? null,
      cpuSeconds: Math.round((used.user + used.system) / 10_000) / 100,
    }),
  );
}

function stopped(seconds: number | undefined): Promise<void> {
  return new Promise((resolve) => {
    process.once("SIGINT", () => resolve());
    process.once("SIGTERM", () => resolve());
    if (seconds !== undefined) setTimeout(resolve, seconds * 1000);
    // The relay and the clients let the process end when nothing else keeps it.
    else setInterval(() => undefined, 60_000);
  });
}

try {
  const options = parseOptions(process.argv.slice(2));
  if (options === "help") console.log(HELP);
  else {
    await run(options);
    process.exit(0);
  }
} catch (error) {
  console.error(`arena: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}
