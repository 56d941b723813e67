import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Relay, startRelay } from "@moq-game/node-native";
import { makeCertificate } from "../../../tools/certificate.mjs";

/** A relay that can be started again under the same address and certificate. */
export class RestartableRelay {
  readonly #folder = mkdtempSync(join(tmpdir(), "moq-game-contract-"));
  readonly #certificate = makeCertificate(this.#folder);
  #relay: Relay | undefined;

  /** The one that runs now; throws before the first start. */
  get now(): Relay {
    if (this.#relay === undefined) throw new Error("the relay was not started");
    return this.#relay;
  }

  async start(port = 0): Promise<void> {
    const { cert, key } = this.#certificate;
    this.#relay = await startRelay({ listen: `127.0.0.1:${port}`, certificate: cert, key });
  }

  /** Stops it without notice. */
  readonly restart = async (): Promise<void> => {
    const { port } = this.now;
    await this.now.close();
    await this.start(port);
  };

  /** For messages of failed cases. */
  readonly inspect = (): unknown => {
    try {
      return this.now.stats();
    } catch (error) {
      return `between two relays: ${error}`;
    }
  };

  async close(): Promise<void> {
    await this.#relay?.close();
    rmSync(this.#folder, { recursive: true });
  }
}
