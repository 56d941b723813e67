import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export const repository = resolve(fileURLToPath(import.meta.url), "../../../..");

/** The published packages: folder and name. */
export const PACKAGES = [
  { folder: "packages/core", name: "@moq-game/core" },
  { folder: "packages/node-native", name: "@moq-game/node-native" },
  { folder: "packages/web", name: "@moq-game/web" },
  { folder: "packages/unreal", name: "@moq-game/unreal" },
  { folder: "tools/impair", name: "@moq-game/impair" },
] as const;

/** The package with the compiled files for this machine. */
function platformFolder(): string {
  const libc = process.platform === "linux" ? "-gnu" : "";
  return `packages/node-native/platforms/${process.platform}-${process.arch}${libc}`;
}

/** A program's output; the error of a failing one carries all that it printed. */
export async function run(program: string, args: string[], cwd = repository): Promise<string> {
  try {
    const limits = { cwd, timeout: 110_000, maxBuffer: 64 * 1024 * 1024 };
    const { stdout, stderr } = await promisify(execFile)(program, args, limits);
    return stdout + stderr;
  } catch (error) {
    const { message, stdout, stderr } = error as {
      message: string;
      stdout?: string;
      stderr?: string;
    };
    throw new Error(`${message}\n${stdout ?? ""}${stderr ?? ""}`);
  }
}

/** A program that this package depends on. */
export function tool(name: string): string {
  return join(repository, "test", "pack-smoke", "node_modules", ".bin", name);
}

/** A user's project outside the checkout, with the packed packages installed. */
export class Scratch {
  readonly folder = mkdtempSync(join(tmpdir(), "moq-game-pack-"));
  readonly project = join(this.folder, "project");
  private readonly tarballs = new Map<string, string>();

  /** Packs every package as a release would. */
  async pack(): Promise<void> {
    for (const folder of [...PACKAGES.map((each) => each.folder), platformFolder()]) {
      const destination = join(this.folder, folder);
      mkdirSync(destination, { recursive: true });
      const cwd = join(repository, folder);
      await run("pnpm", ["pack", "--pack-destination", destination], cwd);
      const [tarball] = readdirSync(destination);
      if (tarball === undefined) throw new Error(`pnpm pack made nothing of ${folder}`);
      this.tarballs.set(folder, join(destination, tarball));
    }
  }

  tarball(folder: string): string {
    const path = this.tarballs.get(folder);
    if (path === undefined) throw new Error(`${folder} is not packed`);
    return path;
  }

  /** Installs all tarballs with npm, without install scripts: the packages must not need any. */
  async install(): Promise<void> {
    mkdirSync(this.project);
    this.write("package.json", '{ "name": "user", "private": true, "type": "module" }\n');
    const files = [...this.tarballs.values()];
    const args = ["install", "--ignore-scripts", "--no-audit", "--no-fund"];
    await run("npm", [...args, ...files], this.project);
  }

  write(name: string, text: string): string {
    const path = join(this.project, name);
    writeFileSync(path, text);
    return path;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
