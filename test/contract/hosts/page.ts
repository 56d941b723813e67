/** Runs in the page: plays one side of a case with `@moq-game/web`. */
import { type ContractCase, playWith, type Side } from "@moq-game/contract";
import { connect } from "@moq-game/web";

declare global {
  interface Window {
    /** Provided by the test: tells the other side. */
    contractTell(run: string, name: string, value: unknown): Promise<void>;
    /** Provided by the test: waits for the other side. */
    contractTold(run: string, name: string): Promise<unknown>;
    /** Provided by the test: this side failed. */
    contractFail(run: string): Promise<void>;
    /** Provided by the test: loses the connections of both sides. */
    contractCut(run: string): Promise<void>;
    contractPlay(request: PlayRequest): Promise<void>;
  }
}

export interface PlayRequest {
  readonly run: string;
  readonly name: string;
  readonly side: Side;
  readonly namespace: string;
  readonly url: string;
  readonly certificateHash: string;
  readonly worker: boolean;
}

/** What a suite's page does: plays a side of any of these cases when the test asks. */
export function playInPage(cases: readonly ContractCase[]): void {
  window.contractPlay = async (request) => {
    const contractCase = cases.find((each) => each.name === request.name);
    if (contractCase === undefined) throw new Error(`no case "${request.name}"`);
    const client = await connect(request.url, {
      serverCertificateHashes: [request.certificateHash],
      ...(request.worker ? { workerUrl: "/worker.js" } : {}),
    });
    await playWith(client, contractCase, request.side, request.namespace, {
      tell: (name, value) => void window.contractTell(request.run, name, value),
      told: (name) => window.contractTold(request.run, name),
      fail: () => void window.contractFail(request.run),
      cut: () => window.contractCut(request.run),
    });
  };
}
