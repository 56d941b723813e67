import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** The built demonstration in a process of its own, as `npm run demo` starts it. */
export class Backend {
  readonly lines: string[] = [];
  private readonly exited: Promise<number | null>;

  private constructor(private readonly child: ChildProcess) {
    this.exited = new Promise((resolve) => child.once("exit", resolve));
    for (const stream of [child.stdout, child.stderr]) {
      if (stream !== null) {
        createInterface({ input: stream }).on("line", (line) => this.lines.push(line));
      }
    }
  }

  static start(...args: string[]): Backend {
    const main = new URL("../dist/backend/main.js", import.meta.url).pathname;
    return new Backend(spawn(process.execPath, [main, ...args]));
  }

  /** The first line that matches, or an error with everything printed so far. */
  async line(pattern: RegExp, limit = 20_000): Promise<RegExpMatchArray> {
    const deadline = Date.now() + limit;
    for (;;) {
      for (const line of this.lines) {
        const match = line.match(pattern);
        if (match !== null) return match;
      }
      if (this.child.exitCode !== null || Date.now() > deadline) {
        throw new Error(`no line like ${pattern} in:\n${this.lines.join("\n")}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async exit(): Promise<number | null> {
    return await this.exited;
  }

  async stop(): Promise<number | null> {
    this.child.kill("SIGTERM");
    return await this.exited;
  }
}
