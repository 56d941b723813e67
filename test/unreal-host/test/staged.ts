/** The project that `npm run stage-unreal` makes, compiled and with as much of the engine as its samples touch. */
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stage } from "../../../tools/stage-unreal.mjs";
import { puertsHost } from "../src/index.js";
import { repository } from "./content.js";
import { Loader } from "./loader.js";

/** In cm. */
export interface Place {
  readonly X: number;
  readonly Y: number;
}

export class Vector {
  constructor(
    readonly X = 0,
    readonly Y = 0,
    readonly Z = 0,
  ) {}
}

export class Rotator {
  constructor(
    readonly Pitch = 0,
    readonly Yaw = 0,
    readonly Roll = 0,
  ) {}
}

/** An actor that remembers where it was put. */
export class Actor {
  place: Place | undefined;
  K2_SetActorLocationAndRotation(location: Place): boolean {
    this.place = location;
    return true;
  }
}

export class StagedProject {
  private constructor(
    private readonly folder: string,
    readonly project: string,
    readonly scripts: Loader,
  ) {}

  static async make(): Promise<StagedProject> {
    const folder = mkdtempSync(join(tmpdir(), "moq-game-project-"));
    const project = join(folder, "project");
    const staged = await stage({ to: project, libraries: {} });
    if (!staged.scripts) throw new Error("packages/unreal is not built");
    const scripts = new Loader(join(project, "Content", "JavaScript"), {
      cpp: () => puertsHost().cpp,
      ue: () => ({ Vector, Rotator }),
      puerts: () => ({ $ref: () => ({}) }),
    });
    return new StagedProject(folder, project, scripts);
  }

  /** With the TypeScript of Puerts' editor plugin, after what Puerts generates in the editor. */
  compile(): void {
    const typing = join(this.project, "Typing");
    mkdirSync(typing);
    const sample = join(repository, "test", "unreal-host", "sample", "ue.d.ts");
    copyFileSync(sample, join(typing, "ue.d.ts"));
    const tsc = createRequire(import.meta.url).resolve("typescript-4.7/lib/tsc.js");
    try {
      execFileSync(process.execPath, [tsc, "-p", this.project], { encoding: "utf8" });
    } catch (error) {
      throw new Error((error as { stdout: string }).stdout);
    }
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
