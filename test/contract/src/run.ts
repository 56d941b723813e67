import type { Client } from "@moq-game/core";
import { OTHER_FAILED, Post } from "./post.js";
import type { ContractCase } from "./role.js";

/** Either side of a case. */
export type Side = "publisher" | "subscriber";

/** Somewhere that one side of a case can run: a runtime with a client implementation. */
export interface Host {
  readonly name: string;
  /** Connects, runs the side, closes. */
  play(contractCase: ContractCase, side: Side, namespace: string, post: Post): Promise<void>;
}

/** How long in ms a client that failed stays, for the other side to show its counters as they are. */
const LINGER = 100;

/** Runs a side with a client that is at hand, and closes the client whatever happens. A failure shows its counters. */
export async function playWith(
  client: Client,
  contractCase: ContractCase,
  side: Side,
  namespace: string,
  post: Pick<Post, "tell" | "told" | "fail" | "cut">,
  sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
): Promise<void> {
  try {
    await contractCase[side]({
      client,
      namespace,
      sleep,
      tell: (name, value) => post.tell(name, value),
      told: (name) => post.told(name),
      cut: () => post.cut(),
    });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const counters = JSON.stringify(client.stats());
    post.fail();
    await sleep(LINGER);
    throw new Error(`${message}\n  its client: ${counters}`);
  } finally {
    await client.close();
  }
}

declare function setTimeout(callback: () => void, ms: number): unknown;

let runs = 0;

/**
 * Runs both sides of a case; the first failure is the result. It shows the counters of both clients, and what `inspect`
 * tells of what lies between them. `cut` loses the connections of both.
 */
export async function runCase(
  contractCase: ContractCase,
  publisher: Host,
  subscriber: Host,
  inspect: () => unknown = () => "no relay",
  cut?: () => Promise<void>,
): Promise<void> {
  let between: string | undefined;
  const post = new Post(() => {
    between = JSON.stringify(inspect());
  }, cut);
  runs += 1;
  const namespace = `contract/${runs}-${Date.now().toString(36)}`;
  const failures: string[] = [];
  const side = (host: Host, name: Side): Promise<void> =>
    host.play(contractCase, name, namespace, post).catch((error: Error) => {
      post.fail();
      failures.push(`${name} on ${host.name}: ${error.message}`);
    });
  await Promise.all([side(publisher, "publisher"), side(subscriber, "subscriber")]);
  // The side that only heard of the other's failure comes last.
  failures.sort((a, b) => Number(a.includes(OTHER_FAILED)) - Number(b.includes(OTHER_FAILED)));
  if (failures.length > 0) throw new Error([...failures, `between them: ${between}`].join("\n"));
}
