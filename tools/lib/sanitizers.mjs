// Memory and thread errors: the same tests again with tools that see them. Each says why when a machine has no such tool.

import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import { basename, join } from "node:path";
import { nativeLibrary, scriptedPeer } from "../build.mjs";
import { cargoCounts, gtestCounts, sum } from "./counts.mjs";
import { ensureProgram, mayInstall } from "./debian.mjs";
import { hasNightly, hostTriple } from "./nightly.mjs";
import { cacheDir, root } from "./paths.mjs";
import { firstLine, must, run } from "./run.mjs";
import {
  configureAbi,
  cppTests,
  finish,
  LIMIT_MS,
  native,
  RUST_LIMIT_MS,
  vitest,
} from "./runners.mjs";
import { StepError, skip } from "./steps.mjs";

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
  const build = join(cppTests, "build");
  await configureAbi(build, env, await scriptedPeer(env));
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
    // Poses at 60 Hz are behind by themselves.
    `--gtest_filter=-${[
      "RandomCalls.*",
      "T2_GroupOrder.ManyGroups*",
      "T2_GroupOrder.OnANetwork*",
      "T3_Datagrams.*",
      "T14_Poses.*",
    ].join(":")}`,
  ];
  const patient = { ...env, MOQ_TEST_PATIENCE: "10", MOQ_TEST_ROUNDS: "4" };
  const result = await run(valgrind, args, { env: patient, timeoutMs: LIMIT_MS });
  const counts = gtestCounts(result.output);
  if (result.code === 99) throw new StepError("valgrind has found errors; see above", counts);
  return finish(result, counts, "valgrind");
}

/** The C and C++ users of the C ABI with AddressSanitizer (leaks too) and UndefinedBehaviorSanitizer. */
export async function asanAbi(env) {
  const libraries = ["libasan.so", "libubsan.so"].map((name) => sanitizerLibrary(name, env));
  if (process.platform !== "linux" || libraries.includes(undefined)) {
    return skip("AddressSanitizer needs Linux and gcc with libasan and libubsan.");
  }
  const build = join(cppTests, "build", "asan");
  const flags =
    "-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer";
  const compilers = ["-DCMAKE_CXX_COMPILER=g++", "-DCMAKE_C_COMPILER=gcc"];
  const settings = [...compilers, `-DCMAKE_CXX_FLAGS=${flags}`, `-DCMAKE_C_FLAGS=${flags}`];
  await configureAbi(build, env, await scriptedPeer(env), settings);
  await must("cmake", ["--build", build, "--parallel", "--target", "moq_ffi_tests"], {
    env,
    quiet: true,
  });
  const options = { MOQ_TEST_PATIENCE: "3", UBSAN_OPTIONS: "print_stacktrace=1" };
  return gtest(join(build, "moq_ffi_tests"), ["--gtest_filter=-RandomCalls.*"], {
    ...env,
    ...options,
  });
}

/** What ThreadSanitizer adds to the environment of Cargo; std is built with it too, or it would see races there. */
function threadSanitizer(env) {
  return {
    ...env,
    CARGO_TARGET_DIR: join(cacheDir(env), "tsan-target"),
    RUSTFLAGS: "-Zsanitizer=thread",
    TSAN_OPTIONS: "halt_on_error=0:exitcode=66:second_deadlock_stack=1",
    MOQ_TEST_PATIENCE: "10",
    MOQ_TEST_ROUNDS: "20",
  };
}

/**
 * C++ and Rust users of the library under ThreadSanitizer, and the threads of the Rust crates. Subsets, for time: what
 * has threads in it. Protocol logic has none, and fills minutes.
 */
export async function tsan(env) {
  if (process.platform !== "linux") return skip("ThreadSanitizer is used on Linux only.");
  if (!(await hasNightly(env, ["rust-src"]))) return skip("no nightly toolchain with rust-src.");
  const clang = await ensureProgram("clang", ["clang++"], env);
  const triple = hostTriple(env);
  const settings = threadSanitizer(env);
  const cargo = ["+nightly", "-Zbuild-std", "--locked", "--target", triple];
  const limits = { cwd: native, env: settings, timeoutMs: RUST_LIMIT_MS };
  const packages = ["--package", "moqt-net", "--package", "moq-ffi"];
  // Integration tests of the two crates with threads; moq-ffi's bring the shared library along.
  const targets = ["runtime", "handshake", "transport", "flooding", "steady"];
  const chosen = targets.flatMap((name) => ["--test", name]);
  const [toolchain, ...options] = cargo;
  const rust = await run(
    "cargo",
    [toolchain, "test", ...options, ...packages, "--lib", ...chosen],
    limits,
  );
  const counts = finish(rust, cargoCounts(rust.output), "cargo test with ThreadSanitizer");

  const peer = await scriptedPeer(env);
  const build = join(cppTests, "build", "tsan");
  const runtime = rustRuntime("tsan", triple, env);
  const link = `-rdynamic -Wl,--whole-archive ${runtime} -Wl,--no-whole-archive -lpthread -ldl -lm -lrt`;
  await configureAbi(build, env, peer, [
    `-DCMAKE_CXX_COMPILER=${clang}`,
    "-DCMAKE_C_COMPILER=clang",
    // One runtime for both languages: that of the Rust toolchain, which is the newer one.
    "-DCMAKE_CXX_FLAGS=-fsanitize=thread -fno-sanitize-link-runtime -O1 -g",
    "-DCMAKE_C_FLAGS=-fsanitize=thread -fno-sanitize-link-runtime -O1 -g",
    `-DCMAKE_EXE_LINKER_FLAGS=${link}`,
    // Built with the tests: to build the library alone is to build it again, for other features.
    `-DMOQ_FFI_LIBRARY_DIR=${join(settings.CARGO_TARGET_DIR, triple, "debug", "deps")}`,
  ]);
  await must("cmake", ["--build", build, "--parallel", "--target", "moq_ffi_tests"], {
    env,
    quiet: true,
  });
  // Amounts, not threads, are what these are about; poses at 60 Hz are behind by themselves.
  const left =
    "--gtest_filter=-RandomCalls.*:T2_GroupOrder.ManyGroups*:T14_Poses.*:Delivery.LargeObjects*";
  return sum([counts, await gtest(join(build, "moq_ffi_tests"), [left], settings)]);
}

/** The archive of a sanitizer's runtime in the nightly toolchain. */
function rustRuntime(name, triple, env) {
  const folder = firstLine("rustc", ["+nightly", "--print", "target-libdir"], env) ?? "";
  const path = join(folder, `librustc-nightly_rt.${name}.a`);
  if (existsSync(path)) return path;
  throw new StepError(`the nightly toolchain for ${triple} has no ${path}`);
}

/** A GoogleTest program as one process. */
async function gtest(program, args, env) {
  const result = await run(program, args, { env, timeoutMs: LIMIT_MS });
  return finish(result, gtestCounts(result.output), basename(program));
}

/** A panic at every border, in the library as released plus what orders it. */
export async function panics(env) {
  const target = join(cacheDir(env), "panics-target");
  const features = ["--package", "moq-ffi", "--features", "panic-injection"];
  await must("cargo", ["build", "--release", "--locked", ...features], {
    cwd: native,
    env: { ...env, CARGO_TARGET_DIR: target },
    timeoutMs: RUST_LIMIT_MS,
  });
  const build = join(cppTests, "build", "panics");
  await configureAbi(build, env, await scriptedPeer(env), [
    `-DMOQ_FFI_LIBRARY_DIR=${join(target, "release")}`,
  ]);
  await must("cmake", ["--build", build, "--parallel", "--target", "moq_ffi_panics"], {
    env,
    quiet: true,
  });
  return gtest(join(build, "moq_ffi_panics"), [], env);
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
      // Not in the cache that checkouts share: Miri keeps the checkout's path in what it has built.
      CARGO_TARGET_DIR: join(native, "target", "miri"),
      MIRIFLAGS: "-Zmiri-disable-isolation",
      PROPTEST_CASES: "4",
    },
    timeoutMs: RUST_LIMIT_MS,
  });
  return finish(result, cargoCounts(result.output), "cargo miri test");
}
