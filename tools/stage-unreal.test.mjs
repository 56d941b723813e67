import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { userPath } from "./lib/paths.mjs";
import { libraryVersion } from "./lib/sdk/crates.mjs";
import { llvm } from "./lib/sdk/llvm.mjs";
import { machO } from "./lib/sdk/macho.fixture.mjs";
import { noticesOf } from "./lib/sdk/notices.mjs";
import { pack } from "./lib/sdk/pack.mjs";
import { platformNamed } from "./lib/sdk/platforms.mjs";
import { sharedLibraryPath, writeSums } from "./lib/sdk/stage.mjs";
import { checkLibrary } from "./lib/unreal-platforms.mjs";
import { readArguments, sdkLibraries, stage, unpackedNotices } from "./stage-unreal.mjs";

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

  it("brings up to date what it made before; what somebody did there stays", async () => {
    const to = join(folder, "project");
    await stage({ to, libraries: { Mac: library() } });
    const read = (name) => readFileSync(join(to, name), "utf8");
    writeFileSync(join(to, "TypeScript/main.ts"), "// mine");
    writeFileSync(join(to, "TypeScript/own.ts"), "// mine too");
    mkdirSync(join(to, "Plugins/Moq/Intermediate"));
    writeFileSync(join(to, "Plugins/Moq/Intermediate/made.o"), "of the engine");
    const again = await stage({ to, libraries: { Linux: library() } });
    expect(again.kept).toEqual(["TypeScript/main.ts"]);
    expect(read("TypeScript/main.ts")).toBe("// mine");
    expect(read("TypeScript/own.ts")).toBe("// mine too");
    expect(read("Plugins/Moq/Intermediate/made.o")).toBe("of the engine");
    const libraries = join(to, "Plugins/Moq/Binaries/ThirdParty/MoqFfi");
    expect(existsSync(join(libraries, "Mac")), "the library that is not staged any more").toBe(
      false,
    );
    expect(existsSync(join(libraries, "Linux/libmoq_ffi.so"))).toBe(true);
    expect(existsSync(join(to, ".staging"))).toBe(false);

    const { kept } = await stage({ to, libraries: {}, overwrite: true });
    expect(kept).toEqual([]);
    expect(read("TypeScript/main.ts")).toContain("GameInstance");
  });

  it("refuses to lose changes in the plugins, before anything is touched", async () => {
    const to = join(folder, "project");
    await stage({ to, libraries: {} });
    const changed = join(to, "Plugins/Moq/Source/Moq/Moq.Build.cs");
    writeFileSync(changed, "// patched");
    await expect(stage({ to, libraries: {} })).rejects.toThrow(/Moq\.Build\.cs[\s\S]*--overwrite/);
    expect(readFileSync(changed, "utf8")).toBe("// patched");
    await stage({ to, libraries: {}, overwrite: true });
    expect(readFileSync(changed, "utf8")).toContain("ModuleRules");
  });

  it("refuses folders that it did not make, and places where no folder can be", async () => {
    const other = mkdtempSync(join(folder, "other-"));
    writeFileSync(join(other, "precious"), "");
    await expect(stage({ to: other, libraries: {} })).rejects.toThrow(/not empty.*\n.*Plugins/);
    expect(readdirSync(other)).toEqual(["precious"]);
    const file = library();
    await expect(stage({ to: file, libraries: {} })).rejects.toThrow(/is a file/);
    await expect(stage({ to: join(file, "in", "it"), libraries: {} })).rejects.toThrow(/is a file/);
    if (process.platform !== "linux") return;
    // Not even root can make a folder there.
    await expect(stage({ to: "/proc/project", libraries: {} })).rejects.toThrow(
      /cannot be (made|written)/,
    );
  });

  it("has what a project needs to be opened: targets, module, game instance, scripts", async () => {
    const to = join(folder, "project");
    await stage({ to, libraries: {} });
    const project = JSON.parse(readFileSync(join(to, "MoqGame.uproject"), "utf8"));
    for (const { Name } of project.Modules) {
      for (const file of [
        `${Name}.Target.cs`,
        `${Name}Editor.Target.cs`,
        `${Name}/${Name}.Build.cs`,
      ]) {
        expect(existsSync(join(to, "Source", file)), file).toBe(true);
      }
    }
    const enabled = project.Plugins.filter(({ Enabled }) => Enabled).map(({ Name }) => Name);
    expect(enabled.sort()).toEqual(["Moq", "MoqPuerts", "Puerts"]);
    const sources = readdirSync(join(to, "Source"), { recursive: true }).map(String);
    const cpp = sources.filter((name) => /\.(h|cpp)$/.test(name));
    const text = cpp.map((name) => readFileSync(join(to, "Source", name), "utf8")).join("\n");
    const engine = readFileSync(join(to, "Config/DefaultEngine.ini"), "utf8");
    const [, instance] = /GameInstanceClass=\/Script\/MoqGame\.(\w+)/.exec(engine) ?? [];
    expect(text).toContain(`class U${instance} `);
    const game = readFileSync(join(to, "Config/DefaultGame.ini"), "utf8");
    const [, own] = game.split(`[/Script/MoqGame.${instance}]\n`);
    const names = own.split("\n\n")[0].match(/^\w+(?==)/gm) ?? [];
    expect(names.length).toBeGreaterThan(2);
    for (const name of names) expect(text).toMatch(new RegExp(`Config,[^;]*\\b${name}\\b`));
    const [, script] = /Start\(TEXT\("(\w+)"\)/.exec(text) ?? [];
    expect(existsSync(join(to, "TypeScript", `${script}.ts`))).toBe(true);
  });

  it("keeps under version control what nobody can make again, and leaves out what is made", async () => {
    const to = join(folder, "project");
    await stage({ to, libraries: { Linux: library() } });
    const git = (...args) => spawnSync("git", ["-C", to, ...args], { encoding: "utf8" });
    expect(git("init", "--quiet").status).toBe(0);
    const kept = [
      "Plugins/Moq/Binaries/ThirdParty/MoqFfi/Linux/libmoq_ffi.so",
      "Content/JavaScript/node_modules/@moq-game/unreal/dist/index.js",
      "TypeScript/main.ts",
    ];
    const left = [
      "Plugins/Moq/Binaries/Linux/libUnrealEditor-Moq.so",
      "Plugins/Moq/Intermediate/made.o",
      "Content/JavaScript/main.js",
      "Typing/ue/ue.d.ts",
      "node_modules/typescript/package.json",
    ];
    const { stdout } = git("check-ignore", ...kept, ...left);
    expect(stdout.trim().split("\n").sort()).toEqual(left.sort());
  });

  it("refuses platforms and arguments that it does not know, before it builds anything", async () => {
    await expect(stage({ to: folder, libraries: { Switch: library() } })).rejects.toThrow(/Win64/);
    expect(() => readArguments(["--library", "Linux=/nowhere"])).toThrow(/no file/);
    expect(() => readArguments(["--library", `Switch=${library()}`])).toThrow(/Win64/);
    expect(() => readArguments(["--library", library()])).toThrow(/PLATFORM=FILE/);
    expect(() => readArguments(["--frobnicate"])).toThrow(/--frobnicate.*--help/);
    expect(() => readArguments(["--to"])).toThrow(/--to.*--help/);
    expect(() => readArguments([folder])).toThrow(/--help/);
    expect(readArguments(["--library", `Mac=${library()}`]).libraries.Mac).toBe(library());
    expect(readArguments([`--to=${folder}`]).to).toBe(folder);
  });

  it("takes paths as seen from where npm was called", () => {
    const env = { npm_lifecycle_event: "stage-unreal", INIT_CWD: "/somewhere" };
    expect(userPath("project", env)).toBe("/somewhere/project");
    expect(userPath("/project", env)).toBe("/project");
    expect(userPath("project", { INIT_CWD: "/somewhere" })).toBe(join(process.cwd(), "project"));
  });

  it("refuses a library that the plugin could not load", async () => {
    const env = process.env;
    await expect(checkLibrary("Linux", library(), env)).rejects.toThrow(/no shared library/);
    const mac = join(folder, "libmoq_ffi.dylib");
    writeFileSync(mac, machO("arm64"));
    await expect(checkLibrary("Win64", mac, env)).rejects.toThrow(
      /another platform \(Mach-O arm64\)/,
    );
    await expect(checkLibrary("Mac", mac, env)).rejects.toThrow(/not moq_ffi of this version/);
    await expect(checkLibrary("LinuxArm64", process.execPath, env)).rejects.toThrow(
      /platform|moq_ffi/,
    );
  });

  /** Archives as "npm run sdk" makes them, of which only the library is real. */
  function archivesOf(libraries, notices = "") {
    const sdk = join(folder, "sdk");
    const archives = Object.entries(libraries).map(([name, content]) => {
      const platform = platformNamed(name);
      const whole = join(sdk, `moq-ffi-${libraryVersion()}-${name}`);
      const file = join(whole, sharedLibraryPath(platform));
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content);
      writeFileSync(join(whole, "THIRD-PARTY-NOTICES.txt"), notices);
      const archive = pack(whole, platform, process.env);
      rmSync(whole, { recursive: true });
      return archive.slice(sdk.length + 1);
    });
    writeSums(sdk, archives);
    return { sdk, archives };
  }

  it("takes the library of every platform out of the archives of npm run sdk", async () => {
    const { sdk, archives } = archivesOf(
      {
        "linux-arm64": "of linux-arm64",
        "windows-x64-gnu": "of windows-x64-gnu",
        "macos-x64": "of macos-x64",
      },
      noticesOf([], [{ name: "a runtime", licence: "MIT", text: "as is" }]),
    );
    const libraries = sdkLibraries(sdk, join(folder, "unpacked"));
    expect(Object.keys(libraries).sort()).toEqual(["LinuxArm64", "Mac", "Win64"]);
    expect(unpackedNotices(join(folder, "unpacked")).map(({ name }) => name)).toEqual([
      "a runtime",
    ]);
    const to = join(folder, "project");
    await stage({ to, libraries });
    const staged = join(to, "Plugins/Moq/Binaries/ThirdParty/MoqFfi");
    expect(readFileSync(join(staged, "Win64/moq_ffi.dll"), "utf8")).toBe("of windows-x64-gnu");
    expect(readFileSync(join(staged, "Mac/libmoq_ffi.dylib"), "utf8")).toBe("of macos-x64");

    writeFileSync(join(sdk, archives[0] ?? ""), "something else");
    expect(() => sdkLibraries(sdk, join(folder, "again"))).toThrow(/SHA256SUMS.*npm run sdk/);
    expect(() => sdkLibraries(folder, join(folder, "again"))).toThrow(/npm run sdk -- --all/);
    const old = mkdtempSync(join(folder, "old-"));
    writeFileSync(join(old, "moq-ffi-0.0.1-linux-x64.tar.gz"), "");
    expect(() => sdkLibraries(old, join(folder, "again"))).toThrow(/only moq-ffi-0\.0\.1/);
  });

  it("tells the licences of what the archives' compilers have put into the libraries, once", () => {
    const mit = { name: "zig runtime library", licence: "MIT", text: "Permission is granted." };
    const zpl = {
      name: "mingw-w64 runtime (Windows only)",
      licence: "ZPL-2.1",
      text: "Zope:\n\nso.",
    };
    const twin = { ...mit, name: "its twin" };
    const unpacked = join(folder, "unpacked");
    for (const [name, others] of [
      ["windows-x64-gnu", [mit, zpl, twin]],
      ["linux-x64", [mit]],
    ]) {
      mkdirSync(join(unpacked, name), { recursive: true });
      writeFileSync(join(unpacked, name, "THIRD-PARTY-NOTICES.txt"), noticesOf([], others));
    }
    const found = unpackedNotices(unpacked).sort((a, b) => a.name.localeCompare(b.name));
    expect(found).toEqual([twin, zpl, mit]);
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
