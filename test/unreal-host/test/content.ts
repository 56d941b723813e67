/** A project's Content/JavaScript with the packed package in it. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { puertsHost } from "../src/index.js";
import { Loader } from "./loader.js";

export const repository = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..");

/** Packs `@moq-game/unreal` as a release would, and lays it out as an install would. */
export class Content {
  readonly project = mkdtempSync(join(tmpdir(), "moq-game-unreal-"));
  readonly root = join(this.project, "Content", "JavaScript");
  readonly installed = join(this.root, "node_modules", "@moq-game", "unreal");
  readonly loader = new Loader(this.root, { cpp: () => puertsHost().cpp });

  constructor() {
    mkdirSync(this.installed, { recursive: true });
    const cwd = join(repository, "packages", "unreal");
    execFileSync("pnpm", ["pack", "--pack-destination", this.project], { cwd, stdio: "ignore" });
    const tarball = readdirSync(this.project).find((name) => name.endsWith(".tgz")) ?? "";
    const args = [
      "-xzf",
      join(this.project, tarball),
      "-C",
      this.installed,
      "--strip-components=1",
    ];
    execFileSync("tar", args);
  }

  remove(): void {
    rmSync(this.project, { recursive: true, force: true });
  }
}
