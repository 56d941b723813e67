/** Runs in Chromium: `@moq/net`, the TypeScript client of moq-dev, publishes and reads strings. */
import * as Moq from "@moq/net";

declare global {
  interface Window {
    moqNetConnect: typeof connect;
    moqNetPublish: typeof publish;
    moqNetAnnounced: typeof announced;
    moqNetRead: typeof read;
  }
}

/** What was read; `undefined` behind the end of the track. */
export type Strings = readonly (string | undefined)[];

let connection: Moq.Connection.Established | undefined;

function current(): Moq.Connection.Established {
  if (connection === undefined) throw new Error("not connected");
  return connection;
}

/** Gives the protocol that was negotiated. */
async function connect(url: string, hash: string): Promise<string> {
  connection = await Moq.Connection.connect(new URL(url), {
    webtransport: { serverCertificateHashes: [{ value: hash }] },
    websocket: { enabled: false },
    signal: AbortSignal.timeout(10_000),
  });
  return connection.version;
}

/** Publishes a track and writes a string, a group of its own, every 20 ms. */
function publish(path: string, track: string): void {
  const broadcast = new Moq.Broadcast.Producer();
  const producer = broadcast.createTrack(track);
  current().publish(Moq.Path.from(path), broadcast);
  let n = 0;
  setInterval(() => producer.writeString(`${track} ${n++}`), 20);
}

/** Waits for a broadcast under `prefix` and gives the rest of its path. */
async function announced(prefix: string): Promise<string | undefined> {
  const entry = await current().announced(Moq.Path.from(prefix)).next();
  return entry?.path;
}

async function read(path: string, track: string, count: number): Promise<Strings> {
  const subscriber = current().consume(Moq.Path.from(path)).subscribe(track);
  const got: (string | undefined)[] = [];
  while (got.length < count) got.push(await subscriber.readString());
  subscriber.close();
  return got;
}

window.moqNetConnect = connect;
window.moqNetPublish = publish;
window.moqNetAnnounced = announced;
window.moqNetRead = read;
