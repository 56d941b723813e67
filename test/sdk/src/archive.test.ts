// The SDK of this machine, packed from what `npm run build` made: everything in it, and a project outside the checkout
// that knows nothing else.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Spec, Validation } from "@cyclonedx/cyclonedx-library";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { filesIn, makeArchives, project, run, Scratch, sha256, sumsIn, unpack } from "./sdk.js";

const scratch = new Scratch();
let archives: string[] = [];
let sdk = "";
let symbols = "";

beforeAll(async () => {
  const out = scratch.path("out");
  archives = await makeArchives(out, ["--local"]);
  const pathOf = (symbolsOnly: boolean) => {
    const name = archives.find((each) => each.includes("-symbols.") === symbolsOnly);
    return join(out, name ?? "missing");
  };
  sdk = await unpack(pathOf(false), scratch.path("sdk"));
  symbols = await unpack(pathOf(true), scratch.path("symbols"));
});
afterAll(() => scratch.remove());

const read = (name: string) => readFileSync(join(sdk, name), "utf8");

describe("what the archive holds", () => {
  it("has headers, libraries, relay, packages, licences", () => {
    const files = filesIn(sdk);
    for (const wanted of [
      /^include\/moq_ffi\.h$/,
      /^include\/moq_ffi\.hpp$/,
      /^include\/moq_ffi\/client\.hpp$/,
      /^(lib|bin)\/(lib)?moq_ffi\.(so|dylib|dll)$/,
      /^lib\/(libmoq_ffi\.a|moq_ffi\.lib)$/,
      /^bin\/moq-game-relay(\.exe)?$/,
      /^lib\/cmake\/moq_ffi\/moq_ffi-config\.cmake$/,
      /^lib\/cmake\/moq_ffi\/moq_ffi-config-version\.cmake$/,
      /^lib\/pkgconfig\/moq_ffi\.pc$/,
      /^lib\/pkgconfig\/moq_ffi-static\.pc$/,
      /^examples\/echo\.c$/,
      /^LICENSE-MIT$/,
      /^LICENSE-APACHE$/,
      /^THIRD-PARTY-NOTICES\.txt$/,
      /^sbom\.cdx\.json$/,
      /^README\.md$/,
    ]) {
      expect(files.filter((name) => wanted.test(name))).toHaveLength(1);
    }
  });

  it("has the right sum of every file, and of every archive", () => {
    for (const folder of [sdk, scratch.path("out")]) {
      const sums = sumsIn(folder);
      expect([...sums.keys()].sort()).toEqual(filesIn(folder).sort());
      for (const [name, hash] of sums) expect(sha256(join(folder, name)), name).toBe(hash);
    }
  });

  it("is the same bytes when it is packed again", async () => {
    const again = scratch.path("again");
    await makeArchives(again, ["--local"]);
    expect(sumsIn(again)).toEqual(sumsIn(scratch.path("out")));
  });

  it("names no path of the machine that built it outside the debug symbols", () => {
    const home = process.env.HOME ?? "/nonexistent";
    const text = ["README.md", "THIRD-PARTY-NOTICES.txt", "sbom.cdx.json"].map(read).join("\n");
    expect(text).not.toContain(`${home}/`);
    expect(read("lib/pkgconfig/moq_ffi.pc")).not.toContain(scratch.folder);
  });

  it("has a relay that runs", async () => {
    const relay = filesIn(sdk).find((name) => name.startsWith("bin/moq-game-relay")) ?? "";
    expect(await run(join(sdk, relay), ["--version"])).toMatch(/^moq-game-relay \d+\.\d+\.\d+/);
  });

  it.runIf(process.platform === "linux")(
    "finds its debug symbols in the archive beside",
    async () => {
      const files = filesIn(symbols);
      expect(files).toEqual(["libmoq_ffi.so.debug", "moq-game-relay.debug"]);
      const sections = (path: string) => run("readelf", ["--wide", "--sections", path]);
      const library = join(sdk, "lib", "libmoq_ffi.so");
      const apart = join(symbols, "libmoq_ffi.so.debug");
      expect(await sections(library)).toContain(".gnu_debuglink");
      expect(await sections(library)).not.toContain(".debug_line");
      expect(await sections(apart)).toContain(".debug_line");
      const id = async (path: string) =>
        /Build ID: (\w+)/.exec(await run("readelf", ["--notes", path]))?.[1];
      expect(await id(library)).toMatch(/^[0-9a-f]{40}$/);
      expect(await id(apart)).toBe(await id(library));
    },
  );
});

describe("licences and bill of materials", () => {
  interface Component {
    name: string;
    version: string;
    scope: string;
    purl?: string;
    hashes?: unknown[];
    licenses: { expression: string }[];
  }
  const components = () => JSON.parse(read("sbom.cdx.json")).components as Component[];

  it("is valid CycloneDX 1.6", async () => {
    const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6);
    expect(await validator.validate(read("sbom.cdx.json"))).toBeNull();
    const broken = JSON.parse(read("sbom.cdx.json"));
    broken.components[0].type = "nonsense";
    expect(await validator.validate(JSON.stringify(broken))).not.toBeNull();
  });

  it("lists the crates that carry the protocol, each with licence, and sums of foreign ones", () => {
    const found = components();
    for (const name of ["moqt", "moqt-net", "quinn-proto", "rustls", "ring", "mio", "serde_json"]) {
      expect(found.filter((each) => each.name === name && each.scope === "required")).toHaveLength(
        1,
      );
    }
    expect(found.length).toBeGreaterThan(60);
    for (const each of found) {
      expect(each.licenses[0]?.expression, each.name).toMatch(
        /MIT|Apache-2\.0|ISC|BSD|Unicode|Zlib/,
      );
      const own = /^moq/.test(each.name) || each.name === "rust-std";
      expect(each.hashes !== undefined, each.name).toBe(!own);
    }
  });

  it("has a notice for every foreign crate that is linked, with its full text", () => {
    const notices = read("THIRD-PARTY-NOTICES.txt");
    const linked = components().filter((each) => each.scope === "required" && each.hashes);
    expect(linked.length).toBeGreaterThan(50);
    for (const { name, version } of linked) {
      expect(notices, name).toContain(`\n- ${name}@${version}: `);
      // Again above a text.
      expect(notices.split(`${name}@${version}`).length, name).toBeGreaterThan(2);
    }
    for (const phrase of [
      "Permission is hereby granted, free of charge",
      "TERMS AND CONDITIONS FOR USE, REPRODUCTION, AND DISTRIBUTION",
      "Permission to use, copy, modify, and/or distribute this software",
    ]) {
      expect(notices).toContain(phrase);
    }
  });
});

describe("a project outside the checkout", () => {
  const programs = [
    ["c_shared", "C"],
    ["c_static", "C"],
    ["cpp_shared", "C++"],
    ["cpp_static", "C++"],
  ] as const;
  let build = "";

  beforeAll(async () => {
    build = scratch.path("build");
    const prefix = `-DCMAKE_PREFIX_PATH=${sdk}`;
    const expected = `-DEXPECTED_DIR=${join(sdk, "lib", "cmake", "moq_ffi")}`;
    await run("cmake", ["-S", project, "-B", build, prefix, expected, "-DCMAKE_BUILD_TYPE=Debug"]);
    await run("cmake", ["--build", build, "--config", "Debug"]);
  });

  it.each(programs)("publishes and reads over QUIC (find_package, %s)", async (name, language) => {
    const folder = process.platform === "win32" ? join(build, "Debug") : build;
    const env = { ...process.env, PATH: `${join(sdk, "bin")};${process.env.PATH ?? ""}` };
    const options = process.platform === "win32" ? { env } : {};
    const printed = await run(join(folder, name), [], options);
    expect(printed).toContain(`received hello from ${language}`);
  });

  it.runIf(process.platform === "linux")(
    "links statically without the shared library",
    async () => {
      const needs = async (name: string) => await run("readelf", ["--dynamic", join(build, name)]);
      expect(await needs("c_static")).not.toContain("moq_ffi");
      expect(await needs("c_shared")).toContain("[libmoq_ffi.so]");
    },
  );

  // npm test installs it on Linux; elsewhere it may be missing.
  const pkgConfig = spawnSync("pkg-config", ["--version"]).status === 0;
  it.skipIf(process.platform !== "linux" && !pkgConfig).each([
    ["moq_ffi", "cc", "round_trip.c", "C"],
    ["moq_ffi-static", "cc", "round_trip.c", "C"],
    ["moq_ffi", "c++", "round_trip.cc", "C++"],
    ["moq_ffi-static", "c++", "round_trip.cc", "C++"],
  ])(
    "publishes and reads over QUIC (pkg-config %s, %s)",
    async (name, compiler, source, language) => {
      // Flags of pkg-config are split at spaces, so this path has none.
      const plain = mkdtempSync(join(tmpdir(), "moq-sdk-"));
      const link = join(plain, "sdk");
      symlinkSync(sdk, link);
      try {
        const env = { ...process.env, PKG_CONFIG_PATH: join(link, "lib", "pkgconfig") };
        expect(await run("pkg-config", ["--modversion", name], { env })).toMatch(/^\d+\.\d+\.\d+/);
        const flags = (await run("pkg-config", ["--cflags", "--libs", name], { env })).trim();
        const standard = language === "C" ? "-std=c11" : "-std=c++17";
        const program = scratch.path(`${name}-${compiler}`);
        const args = [standard, join(project, source), "-o", program, ...flags.split(/\s+/)];
        await run(compiler, [...args, "-pthread", `-Wl,-rpath,${join(link, "lib")}`]);
        expect(await run(program, [])).toContain(`received hello from ${language}`);
      } finally {
        rmSync(plain, { recursive: true });
      }
    },
  );
});
