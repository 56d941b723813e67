/** A network of its own for each cell: nobody else's packets are counted, and packets can be lost. */
import { execFileSync, spawnSync } from "node:child_process";

/** Of an Ethernet, so that TCP and QUIC make packets as they would there. */
const MTU = "1500";

const AS_ROOT = ["--net"];
const AS_USER = ["--net", "--user", "--map-root-user"];

/** How to start a program in a new network namespace; undefined where that is not allowed. */
export function namespaceCommand(): readonly string[] | undefined {
  if (process.platform !== "linux") return undefined;
  for (const flags of [AS_ROOT, AS_USER]) {
    const probe = spawnSync("unshare", [...flags, "ip", "link", "set", "lo", "up"]);
    if (probe.status === 0) return ["unshare", ...flags];
  }
  return undefined;
}

/** Whether packets can be lost in one. */
export function canLose(): boolean {
  return spawnSync("nft", ["--version"]).status === 0;
}

/** Brings up the loopback interface of the namespace that this process is in. */
export function setUpNamespace(loss: number): void {
  const ip = (...args: string[]) => execFileSync("ip", args);
  ip("link", "set", "lo", "mtu", MTU);
  ip("link", "set", "lo", "up");
  if (loss === 0) return;
  // One packet a time: a train of them (segmentation offload) would be lost as a whole.
  ip("link", "set", "lo", "gso_max_segs", "1");
  const rules = [
    "table inet bench {",
    "  chain lose {",
    "    type filter hook input priority 0;",
    `    numgen random mod 1000 < ${Math.round(loss * 1000)} drop`,
    "  }",
    "}",
  ];
  execFileSync("nft", ["-f", "-"], { input: rules.join("\n") });
}
