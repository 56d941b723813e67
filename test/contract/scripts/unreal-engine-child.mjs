// Plays both sides of every case of the contract suite, with the published bundle of @moq-game/unreal.

import { unreal } from "../../unreal-host/dist/index.js";
import { contractCases, playWith, runCase } from "../dist/index.js";

const { url, hash } = await new Promise((resolve) => process.once("message", resolve));
const host = {
  name: "unreal over quic",
  async play(contractCase, side, namespace, post) {
    const client = await unreal().connect(url, { serverCertificateHashes: [hash] });
    await playWith(client, contractCase, side, namespace, post);
  },
};
const restart = () =>
  new Promise((resolve) => {
    process.once("message", resolve);
    process.send("restart");
  });

console.log(`Puerts host on Node ${process.version}, V8 ${process.versions.v8}`);
const failed = [];
for (const contractCase of contractCases) {
  const cut = contractCase.cut === undefined ? undefined : restart;
  const from = Date.now();
  try {
    await runCase(contractCase, host, host, undefined, cut);
    console.log(`ok ${contractCase.name} (${Date.now() - from} ms)`);
  } catch (error) {
    failed.push(contractCase.name);
    console.log(`not ok ${contractCase.name}\n${error.stack}`);
  }
}
console.log(`${contractCases.length - failed.length} passed, ${failed.length} failed`);
process.exit(failed.length === 0 && contractCases.length > 0 ? 0 : 1);
