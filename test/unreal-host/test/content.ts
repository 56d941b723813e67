/** A project's Content/JavaScript with the packed package in it, and a loader with the rules of Puerts'. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

export const repository = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..");

/** Packs `@moq-game/unreal` as a release would, and lays it out as an install would. */
export class Content {
  readonly project = mkdtempSync(join(tmpdir(), "moq-game-unreal-"));
  /** The only folder that the loader searches. */
  readonly root = join(this.project, "Content", "JavaScript");
  readonly installed = join(this.root, "node_modules", "@moq-game", "unreal");

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

  /**
   * The file that a name stands for: relative to the requiring file, or in a `node_modules` from its folder
   * up to the root, or under the root. `exports` of a package is not looked at. Throws as the loader does.
   */
  resolve(name: string, from = this.root): string {
    const relative = /^\.\.?\//.test(name);
    const places = relative
      ? [join(from, name)]
      : [...this.#modules(from, name), join(this.root, name)];
    for (const place of places) {
      const found = this.#file(normalize(place));
      if (found !== undefined) return found;
    }
    throw new Error(`can not find ${name} in ${from}`);
  }

  #modules(from: string, name: string): string[] {
    const places: string[] = [];
    for (let folder = from; folder.startsWith(this.root); folder = dirname(folder)) {
      places.push(join(folder, "node_modules", name));
    }
    return places;
  }

  #file(place: string): string | undefined {
    if (/\.(js|cjs|json)$/.test(place) && existsSync(place)) return place;
    for (const end of [".js", ".cjs"]) if (existsSync(place + end)) return place + end;
    const manifest = join(place, "package.json");
    if (existsSync(manifest)) {
      const { main = "index.js", type } = JSON.parse(readFileSync(manifest, "utf8")) as {
        main?: string;
        type?: string;
      };
      if (type === "module") throw new Error(`${manifest}: modules of ECMAScript are not loaded`);
      const file = join(place, main);
      return existsSync(file) ? file : undefined;
    }
    const index = join(place, "index.js");
    return existsSync(index) ? index : undefined;
  }

  remove(): void {
    rmSync(this.project, { recursive: true, force: true });
  }
}
