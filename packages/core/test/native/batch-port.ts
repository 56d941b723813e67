import { RecordKind } from "../../src/native/records.js";
import { encodeRecord, FakePort } from "./fake-port.js";

/** Objects of a batch, and bytes of each. */
export const BATCH = 250;
export const BYTES = 100;

/** A port whose library always has the same batch of objects to tell. */
export class BatchPort extends FakePort {
  batch = new Uint8Array(0);
  waiting = 0;
  wakeUp: () => void = () => {};

  prepare(handles: readonly number[]): void {
    const records = Array.from({ length: BATCH }, (_, i) =>
      encodeRecord({
        kind: RecordKind.Object,
        handle: handles[i % handles.length] as number,
        group: 1_767_225_600_000 + i,
        object: 0,
        payload: new Uint8Array(BYTES).fill(i),
      }),
    );
    this.batch = new Uint8Array(records.reduce((sum, record) => sum + record.length, 0));
    let at = 0;
    for (const record of records) {
      this.batch.set(record, at);
      at += record.length;
    }
  }

  override poll(_client: number, buffer: Uint8Array, at: number): number {
    if (this.waiting === 0) return 0;
    this.waiting -= 1;
    buffer.set(this.batch, at);
    return this.batch.length * 2 + (this.waiting > 0 ? 1 : 0);
  }

  override setWaker(client: number, wake: (() => void) | undefined): number {
    this.wakeUp = wake ?? this.wakeUp;
    return super.setWaker(client, wake);
  }
}
