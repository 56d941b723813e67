import type { Client } from "@moq-game/core";
import { Post } from "./post.js";
import type { ContractCase } from "./role.js";

/** Either side of a case. */
export type Side = "publisher" | "subscriber";

/** Somewhere that one side of a case can run: a runtime with a client implementation. */
export interface Host {
  readonly name: string;
  /** Connects, runs the side, closes. */
  play(contractCase: ContractCase, side: Side, namespace: string, post: Post): Promise<void>;
}

/** Runs a side with a client that is at hand, and closes the client whatever happens. */
export async function playWith(
  client: Client,
  contractCase: ContractCase,
  side: Side,
  namespace: string,
  post: Pick<Post, "tell" | "told">,
): Promise<void> {
  try {
    await contractCase[side]({
      client,
      namespace,
      sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
      tell: (name, value) => post.tell(name, value),
      told: (name) => post.told(name),
    });
  } finally {
    await client.close();
  }
}

declare function setTimeout(callback: () => void, ms: number): unknown;

let runs = 0;

/** Runs both sides of a case; the first failure is the result. */
export async function runCase(
  contractCase: ContractCase,
  publisher: Host,
  subscriber: Host,
): Promise<void> {
  const post = new Post();
  runs += 1;
  const namespace = `contract/${runs}-${Date.now().toString(36)}`;
  let first: Error | undefined;
  const side = (host: Host, name: Side): Promise<void> =>
    host.play(contractCase, name, namespace, post).catch((error: Error) => {
      first ??= Object.assign(error, { message: `${name} on ${host.name}: ${error.message}` });
      post.fail(error);
    });
  await Promise.all([side(publisher, "publisher"), side(subscriber, "subscriber")]);
  if (first !== undefined) throw first;
}
