/** Results for docs/interop.md, one JSON line each. */
import { appendFileSync } from "node:fs";

export type Result =
  | {
      readonly kind: "case";
      readonly client: string;
      readonly transport: string;
      readonly name: string;
      readonly ok: boolean;
      /** `may`: it can fail although our relay does its part; `fails`: it does. */
      readonly expected: "passes" | "may" | "fails";
      /** Why, when it is not expected to pass. */
      readonly why: string | null;
    }
  | {
      readonly kind: "probe";
      readonly relay: string;
      readonly client: string;
      readonly name: string;
      /** What the probe missed; null: nothing. */
      readonly lack: string | null;
      /** Whether the lack depends on timing. */
      readonly sometimes: boolean;
      /** What is known of the lack. */
      readonly why: string | null;
    };

/** Notes a result, when somebody wants them (tools/interop.mjs does). */
export function note(result: Result): void {
  const file = process.env.MOQ_INTEROP_RESULTS;
  if (file) appendFileSync(file, `${JSON.stringify(result)}\n`);
}
