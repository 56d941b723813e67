/**
 * Set up before the tests of a package with property tests: a command can run them for longer.
 * `MOQ_FUZZ_SECONDS` gives each property so much time instead of a number of runs; `MOQ_FUZZ_SEED` and
 * `MOQ_FUZZ_PATH`, which a failure prints as `seed` and `path`, repeat one (name its test with `-t`).
 */
import fc from "fast-check";

const { MOQ_FUZZ_SECONDS, MOQ_FUZZ_SEED, MOQ_FUZZ_PATH } = process.env;
const seconds = Number(MOQ_FUZZ_SECONDS ?? "0");

fc.configureGlobal({
  ...(seconds > 0 ? { numRuns: 1_000_000_000, interruptAfterTimeLimit: seconds * 1_000 } : {}),
  ...(MOQ_FUZZ_SEED === undefined ? {} : { seed: Number(MOQ_FUZZ_SEED) }),
  ...(MOQ_FUZZ_PATH === undefined ? {} : { path: MOQ_FUZZ_PATH }),
});
