/** A loader with the rules of Puerts', over a project's Content/JavaScript: the only folder that it searches. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { runModule } from "../src/index.js";

export class Loader {
  readonly #loaded = new Map<string, unknown>();

  /** `builtIn`: modules that the host has, such as `cpp`. */
  constructor(
    readonly root: string,
    private readonly builtIn: Readonly<Record<string, () => unknown>> = {},
  ) {}

  /** Runs a module once. */
  require(name: string, from = this.root): unknown {
    const own = this.builtIn[name];
    if (own !== undefined) return own();
    const file = this.resolve(name, from);
    if (!this.#loaded.has(file)) {
      this.#loaded.set(
        file,
        runModule(file, (wanted) => this.require(wanted, dirname(file))),
      );
    }
    return this.#loaded.get(file);
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
}
