import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { nodeCommand } from "../contenders/packages.js";
import type { RoleArguments } from "../roles/role.js";

/** What a process of a cell is there for. */
export type Part = "server" | "publisher" | "subscriber" | "attacker";

type Line = { readonly event: string; readonly [name: string]: unknown };

const READY_MS = 90_000;
const RESULT_MS = 15_000;
const END_MS = 3_000;

/** A process of a contender. */
export class Member {
  readonly part: Part;
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #name: string;
  #lines: Line[] = [];
  #output = "";
  #ended = false;
  #wake: (() => void) | undefined;

  constructor(part: Part, child: ChildProcess, name: string) {
    this.part = part;
    this.pid = child.pid ?? 0;
    this.#child = child;
    this.#name = name;
    const wake = (): void => this.#wake?.();
    if (child.stdout) {
      createInterface({ input: child.stdout }).on("line", (line) => {
        this.#output = `${this.#output}${line}\n`.slice(-10_000);
        if (line.startsWith("{")) {
          try {
            this.#lines.push(JSON.parse(line) as Line);
          } catch {
            // Somebody's log.
          }
        }
        wake();
      });
    }
    child.stderr?.on("data", (data: Buffer) => {
      this.#output = (this.#output + data.toString()).slice(-10_000);
      wake();
    });
    child.on("error", (error) => {
      this.#output += error.message;
      this.#ended = true;
      wake();
    });
    child.on("close", () => {
      this.#ended = true;
      wake();
    });
    child.stdin?.on("error", () => {});
  }

  /** Speaks our lines; tell other programs nothing. */
  tells = true;

  /** The end of what it has printed, for an error. */
  get said(): string {
    return `${this.#name}: ${this.#output.slice(-1_000).trim() || "no output"}`;
  }

  tell(word: string): void {
    if (this.tells) this.#child.stdin?.write(`${word}\n`);
  }

  /** The next line with this event. */
  async line(event: string, limit = event === "ready" ? READY_MS : RESULT_MS): Promise<Line> {
    let found: Line | undefined;
    await this.#until(`to say "${event}"`, limit, () => {
      const index = this.#lines.findIndex((line) => line.event === event);
      if (index >= 0) [found] = this.#lines.splice(index, 1);
      return found !== undefined;
    });
    return found as Line;
  }

  /** Waits until it has printed something like it, for programs that do not speak our lines. */
  async prints(pattern: RegExp): Promise<string> {
    let found: string | undefined;
    await this.#until(`to print ${pattern}`, READY_MS, () => {
      found = pattern.exec(this.#output)?.[0];
      return found !== undefined;
    });
    return found as string;
  }

  async #until(what: string, limit: number, holds: () => boolean): Promise<void> {
    const until = Date.now() + limit;
    while (!holds()) {
      if (this.#ended) throw new Error(`ended: ${this.said}`);
      const left = until - Date.now();
      if (left <= 0) throw new Error(`takes too long ${what}: ${this.said}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  async end(): Promise<void> {
    if (this.#ended) return;
    const gone = new Promise<void>((resolve) => {
      this.#child.once("close", () => resolve());
    });
    this.#child.stdin?.end();
    const term = setTimeout(() => this.#child.kill("SIGTERM"), 100);
    const kill = setTimeout(() => this.#child.kill("SIGKILL"), END_MS);
    await gone;
    clearTimeout(term);
    clearTimeout(kill);
  }
}

/** The processes of one cell. */
export class Stage {
  readonly members: Member[] = [];
  /** A folder that goes away with the cell. */
  readonly folder: string;
  /** The socket of meter/acks.ts. */
  readonly acks: string;

  constructor(folder: string) {
    this.folder = folder;
    this.acks = `${folder}/acks`;
  }

  /** Starts any program. */
  spawn(part: Part, program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Member {
    const child = spawn(program, args, {
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...process.env, ...env },
    });
    const member = new Member(part, child, [program, ...args].join(" ").slice(0, 300));
    this.members.push(member);
    return member;
  }

  /**
   * Starts a program of ../roles and waits until it is ready; gives its details.
   * @param options starts: it begins to publish before others have come
   */
  async role(
    part: Part,
    name: string,
    args: RoleArguments,
    options: { readonly starts?: boolean } = {},
  ): Promise<Line> {
    const file = fileURLToPath(new URL(`../roles/${name}.js`, import.meta.url));
    const [program = "", ...before] = nodeCommand(name);
    const member = this.spawn(part, program, [...before, file, JSON.stringify(args)]);
    const ready = await member.line("ready");
    if (options.starts === true) member.tell("start");
    return ready;
  }

  async end(): Promise<void> {
    await Promise.all(this.members.map((member) => member.end()));
  }
}
