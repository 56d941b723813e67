import { execFileSync } from "node:child_process";

/** Two network namespaces joined by a veth pair whose both ends send at a rate. */
export interface Namespaces {
  readonly relay: { readonly name: string; readonly address: string };
  readonly subscriber: { readonly name: string };
  remove(): void;
}

function run(...words: string[]): string {
  const [command = "", ...args] = words;
  return execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

/** Why namespaces cannot be had here; undefined: they can. */
export function noNamespaces(): string | undefined {
  if (process.platform !== "linux") return "network namespaces are Linux's";
  if (process.getuid?.() !== 0) return "network namespaces need root";
  try {
    const probe = `moq-probe-${process.pid}`;
    run("ip", "netns", "add", probe);
    run("ip", "netns", "del", probe);
    run("tc", "-V");
    return undefined;
  } catch (error) {
    return `iproute2 cannot make namespaces here: ${(error as Error).message.split("\n")[0]}`;
  }
}

/** `rate` in bytes a second; `queue` in bytes. */
export function makeNamespaces(rate: number, queue: number): Namespaces {
  const [a, b] = [`moq-relay-${process.pid}`, `moq-sub-${process.pid}`];
  const remove = (): void => {
    for (const name of [a, b]) {
      try {
        run("ip", "netns", "del", name);
      } catch {
        // It was not made.
      }
    }
  };
  try {
    run("ip", "netns", "add", a);
    run("ip", "netns", "add", b);
    run(
      "ip",
      "link",
      "add",
      "veth0",
      "netns",
      a,
      "type",
      "veth",
      "peer",
      "name",
      "veth0",
      "netns",
      b,
    );
    for (const [name, address] of [
      [a, "10.99.0.1/24"],
      [b, "10.99.0.2/24"],
    ] as const) {
      run("ip", "-n", name, "address", "add", address, "dev", "veth0");
      run("ip", "-n", name, "link", "set", "veth0", "up");
      run("ip", "-n", name, "link", "set", "lo", "up");
      const bucket = ["rate", `${rate * 8}bit`, "burst", "2000", "limit", String(queue)];
      run(
        "ip",
        "netns",
        "exec",
        name,
        "tc",
        "qdisc",
        "add",
        "dev",
        "veth0",
        "root",
        "tbf",
        ...bucket,
      );
    }
  } catch (error) {
    remove();
    throw error;
  }
  return {
    relay: { name: a, address: "10.99.0.1" },
    subscriber: { name: b },
    remove,
  };
}
