import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { libraryVersion } from "./lib/sdk/crates.mjs";
import { llvm } from "./lib/sdk/llvm.mjs";
import { machO } from "./lib/sdk/macho.fixture.mjs";
import { pack } from "./lib/sdk/pack.mjs";
import { platformNamed } from "./lib/sdk/platforms.mjs";
import { sharedLibraryPath, writeSums } from "./lib/sdk/stage.mjs";
import { readArguments, sdkLibraries, stage } from "./stage-unreal.mjs";

let folder;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "moq-game-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function library() {
  const file = join(folder, "library");
  writeFileSync(file, "not really a library");
  return file;
}

describe("stage-unreal", () => {
  it("assembles the plugin with libraries, headers, licences and the hash of every file", async () => {
    const to = join(folder, "project");
    const staged = await stage({ to, libraries: { Win64: library(), Linux: library() } });
    expect(staged.plugins).toContain("Moq");
    const moq = join(to, "Plugins", "Moq");
    for (const name of [
      "Moq.uplugin",
      "Source/Moq/Moq.Build.cs",
      "Source/ThirdParty/MoqFfi/include/moq_ffi.h",
      "Source/ThirdParty/MoqFfi/include/moq_ffi/records.hpp",
      "Binaries/ThirdParty/MoqFfi/Win64/moq_ffi.dll",
      "Binaries/ThirdParty/MoqFfi/Linux/libmoq_ffi.so",
      "LICENSE-MIT",
    ]) {
      expect(existsSync(join(moq, name)), name).toBe(true);
    }
    const lines = readFileSync(join(to, "STAGED"), "utf8").trim().split("\n");
    expect(lines.length).toBe(staged.files);
    for (const line of lines) {
      const [hash, name] = [line.slice(0, 64), line.slice(66)];
      const bytes = readFileSync(join(to, name));
      expect(createHash("sha256").update(bytes).digest("hex"), name).toBe(hash);
    }
    const sums = readFileSync(join(moq, "Binaries/ThirdParty/MoqFfi/SHA256SUMS"), "utf8");
    expect(sums).toMatch(
      /^[0-9a-f]{64} {2}Linux\/libmoq_ffi\.so\n[0-9a-f]{64} {2}Win64\/moq_ffi\.dll\n$/,
    );
  });

  it("replaces what it made before, and nothing else", async () => {
    const to = join(folder, "project");
    await stage({ to, libraries: {} });
    writeFileSync(join(to, "left-over"), "");
    await stage({ to, libraries: {} });
    expect(existsSync(join(to, "left-over"))).toBe(false);
    const other = mkdtempSync(join(folder, "other-"));
    writeFileSync(join(other, "precious"), "");
    await expect(stage({ to: other, libraries: {} })).rejects.toThrow(/not empty/);
    expect(existsSync(join(other, "precious"))).toBe(true);
  });

  it("refuses platforms and arguments that it does not know", async () => {
    await expect(stage({ to: folder, libraries: { Switch: library() } })).rejects.toThrow(/Win64/);
    expect(() => readArguments(["--library", "Linux=/nowhere"])).toThrow(/no file/);
    expect(() => readArguments(["--frobnicate"])).toThrow(/--help/);
    expect(readArguments(["--library", `Mac=${library()}`]).libraries.Mac).toBe(library());
  });

  /** Archives as "npm run sdk" makes them, of which only the library is real. */
  function archivesOf(libraries) {
    const sdk = join(folder, "sdk");
    const archives = Object.entries(libraries).map(([name, content]) => {
      const platform = platformNamed(name);
      const whole = join(sdk, `moq-ffi-${libraryVersion()}-${name}`);
      const file = join(whole, sharedLibraryPath(platform));
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content);
      const archive = pack(whole, platform, process.env);
      rmSync(whole, { recursive: true });
      return archive.slice(sdk.length + 1);
    });
    writeSums(sdk, archives);
    return { sdk, archives };
  }

  it("takes the library of every platform out of the archives of npm run sdk", async () => {
    const { sdk, archives } = archivesOf({
      "linux-arm64": "of linux-arm64",
      "windows-x64-gnu": "of windows-x64-gnu",
      "macos-x64": "of macos-x64",
    });
    const libraries = sdkLibraries(sdk, join(folder, "unpacked"));
    expect(Object.keys(libraries).sort()).toEqual(["LinuxArm64", "Mac", "Win64"]);
    const to = join(folder, "project");
    await stage({ to, libraries });
    const staged = join(to, "Plugins/Moq/Binaries/ThirdParty/MoqFfi");
    expect(readFileSync(join(staged, "Win64/moq_ffi.dll"), "utf8")).toBe("of windows-x64-gnu");
    expect(readFileSync(join(staged, "Mac/libmoq_ffi.dylib"), "utf8")).toBe("of macos-x64");

    writeFileSync(join(sdk, archives[0] ?? ""), "something else");
    expect(() => sdkLibraries(sdk, join(folder, "again"))).toThrow(/SHA256SUMS.*npm run sdk/);
    expect(() => sdkLibraries(folder, join(folder, "again"))).toThrow(/npm run sdk -- --all/);
  });

  it("makes one library of those for the two processors of a Mac", async () => {
    const { sdk } = archivesOf({ "macos-arm64": machO("arm64"), "macos-x64": machO("x86_64") });
    const libraries = sdkLibraries(sdk, join(folder, "unpacked"));
    expect(Object.keys(libraries)).toEqual(["Mac"]);
    const to = join(folder, "project");
    await stage({ to, libraries });
    const staged = join(to, "Plugins/Moq/Binaries/ThirdParty/MoqFfi/Mac/libmoq_ffi.dylib");
    const headers = await llvm("llvm-readobj", ["--file-headers", staged], process.env);
    expect(headers).toMatch(/Arch: aarch64[\s\S]*Arch: x86_64/);
  });
});
