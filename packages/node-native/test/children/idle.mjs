// Opens a client and awaits nothing more: the process must end although the client is open.
import { connect, startRelay } from "../../dist/index.js";

const relay = await startRelay();
relay.unref();
const client = await connect(relay.memoryUrl);
const track = client.publish(["idle", "a"]);
await track.ready;
client.subscribe(["idle", "a"]);
process.send(client.state, () => process.disconnect());
