// Memory and thread errors: the same tests again with tools that see them. Each says why when a machine has no such tool.

import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import { basename, join } from "node:path";
import { nativeLibrary } from "../build.mjs";
import { cargoCounts, noCounts } from "./counts.mjs";
import { ensureProgram, mayInstall } from "./debian.mjs";
import { say } from "./log.mjs";
import { hasNightly } from "./nightly.mjs";
import { cacheDir, root } from "./paths.mjs";
import { firstLine, must, run } from "./run.mjs";
import { configureCpp, finish, LIMIT_MS, native, RUST_LIMIT_MS, vitest } from "./runners.mjs";
import { StepError } from "./steps.mjs";

/** Nothing was tested, for a reason that is printed. */
export function skip(why) {
  say(`skipped: ${why}`);
  return { ...noCounts(), skipped: 1 };
}

/** Where gcc keeps a sanitizer's library; undefined without one. */
function sanitizerLibrary(name, env) {
  const found = spawnSync("gcc", [`-print-file-name=${name}`], { encoding: "utf8", env });
  const path = (found.stdout ?? "").trim();
  return path.startsWith("/") && existsSync(path) ? path : undefined;
}

/** The Node addon with AddressSanitizer and UndefinedBehaviorSanitizer, under the Node that is there. */
export async function asanAddon(env) {
  const libraries = ["libasan.so", "libubsan.so"].map((name) => sanitizerLibrary(name, env));
  if (process.platform !== "linux" || libraries.includes(undefined)) {
    return skip("AddressSanitizer needs Linux and gcc with libasan and libubsan.");
  }
  const source = join(root, "packages", "node-native");
  const build = join(source, "build", "asan");
  const flags =
    "-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer";
  const settings = ["-DCMAKE_BUILD_TYPE=RelWithDebInfo", `-DCMAKE_CXX_FLAGS=${flags}`];
  const compiler = { ...env, CXX: "g++" };
  await must("cmake", ["-S", source, "-B", build, ...settings], { env: compiler, quiet: true });
  await must("cmake", ["--build", build, "--parallel"], { env: compiler, quiet: true });
  mkdirSync(build, { recursive: true });
  copyFileSync(nativeLibrary(env), join(build, basename(nativeLibrary(env))));
  const sanitized = async (base) => ({
    ...base,
    MOQ_GAME_NATIVE_DIR: build,
    LD_PRELOAD: libraries.join(" "),
    // V8 keeps what it has until the end; and the tests of memory count what is really held.
    ASAN_OPTIONS: "detect_leaks=0:quarantine_size_mb=1:abort_on_error=1",
    UBSAN_OPTIONS: "print_stacktrace=1",
  });
  return vitest(["node"], sanitized)(env);
}

/** The C and C++ users of the C ABI under valgrind: no error, nothing definitely lost. */
export async function valgrindAbi(env) {
  if (process.platform !== "linux") return skip("valgrind is used on Linux only.");
  if (!firstLine("valgrind", ["--version"], env) && !mayInstall(env)) {
    return skip('valgrind is missing: "apt-get install valgrind".');
  }
  const valgrind = await ensureProgram("valgrind", ["valgrind"], env);
  const source = join(native, "moq-ffi", "tests");
  const build = join(source, "build");
  await configureCpp(source, build, env);
  await must("cmake", ["--build", build, "--parallel"], { env, quiet: true });
  const args = [
    "--error-exitcode=99",
    "--leak-check=full",
    "--errors-for-leak-kinds=definite",
    "--show-leak-kinds=definite",
    // The cryptography is assembly whose results valgrind takes for uninitialised, and so every packet.
    "--undef-value-errors=no",
    "--num-callers=30",
    "--fair-sched=yes",
    join(build, "moq_ffi_tests"),
    // Tens of thousands of calls and packets say no more here than the others do, and take minutes.
    "--gtest_filter=-RandomCalls.*:Delivery.ManyGroups*:Delivery.Thousands*:Delivery.LargeObjects*",
  ];
  const patient = { ...env, MOQ_TEST_PATIENCE: "10" };
  const result = await run(valgrind, args, { env: patient, timeoutMs: LIMIT_MS });
  const counts = noCounts();
  counts.passed = Number(/\[ {2}PASSED {2}\] (\d+) test/.exec(result.output)?.[1] ?? 0);
  counts.failed = Number(/(\d+) FAILED TEST/.exec(result.output)?.[1] ?? 0);
  if (result.code === 99) throw new StepError("valgrind has found errors; see above", counts);
  return finish(result, counts, "valgrind");
}

/** The parts of the protocol without I/O in the interpreter Miri, which sees undefined behaviour. */
export async function miri(env) {
  if (!(await hasNightly(env, ["miri", "rust-src"])))
    return skip("no nightly toolchain with miri.");
  const args = ["+nightly", "miri", "test", "--locked", "-p", "moqt", "--lib"];
  // What the interpreter can run in a minute: buffers, ids, tokens, and delivery without its longest tests.
  const tests = ["session::", "delivery::receiver", "delivery::priority"];
  const left = ["random", "too_much_held", "thousands", "client::"].flatMap((name) => [
    "--skip",
    name,
  ]);
  const result = await run("cargo", [...args, "--", ...tests, ...left], {
    cwd: native,
    env: {
      ...env,
      CARGO_TARGET_DIR: join(cacheDir(env), "miri-target"),
      MIRIFLAGS: "-Zmiri-disable-isolation",
      PROPTEST_CASES: "4",
    },
    timeoutMs: RUST_LIMIT_MS,
  });
  return finish(result, cargoCounts(result.output), "cargo miri test");
}
