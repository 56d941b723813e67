import { readdirSync, readFileSync } from "node:fs";

/** Of one process, from /proc. */
export interface Usage {
  /** Processor time in µs, user and system, of each thread that lives. */
  readonly threads: ReadonlyMap<string, number>;
  /** Resident bytes. */
  readonly memory: number;
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** The processes that a process has started, and theirs (a browser is many). */
function family(pid: number): number[] {
  const children = read(`/proc/${pid}/task/${pid}/children`).split(" ").filter(Boolean).map(Number);
  return [pid, ...children.flatMap(family)];
}

/** Undefined where there is no /proc. */
export function usageOf(pid: number): Usage | undefined {
  const spent = new Map<string, number>();
  let memory = 0;
  for (const each of family(pid)) {
    let threads: string[];
    try {
      threads = readdirSync(`/proc/${each}/task`);
    } catch {
      continue;
    }
    // ns on a processor: finer than the hundredths of a second in stat.
    for (const thread of threads) {
      const time = read(`/proc/${each}/task/${thread}/schedstat`).split(" ")[0] ?? 0;
      spent.set(thread, Number(time) / 1000);
    }
    const resident = /^VmRSS:\s+(\d+) kB/m.exec(read(`/proc/${each}/status`))?.[1];
    memory += Number(resident ?? 0) * 1024;
  }
  return spent.size === 0 && memory === 0 ? undefined : { threads: spent, memory };
}

/** Processor time in µs between the two. A thread that ended meanwhile took its account with it. */
export function cpuBetween(from: Usage, to: Usage): number {
  let cpu = 0;
  for (const [thread, time] of to.threads) cpu += time - (from.threads.get(thread) ?? 0);
  return cpu;
}
