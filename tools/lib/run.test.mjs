import { expect, it } from "vitest";
import { firstLine, must, run } from "./run.mjs";

const node = process.execPath;
const quiet = "always";

it("gives the exit code and everything that was printed", async () => {
  const script = 'console.log("out"); console.error("err"); process.exit(3)';
  const result = await run(node, ["-e", script], { quiet });
  expect(result.code).toBe(3);
  expect(result.output).toContain("out\n");
  expect(result.output).toContain("err\n");
});

it("ends a hung program with its children", async () => {
  const child = `require("child_process").spawn(process.execPath, ["-e", "setInterval(()=>{}, 1000)"], {stdio: "inherit"})`;
  // The output stays open until the grandchild is gone: the call returns only because the group was ended.
  const result = await run(node, ["-e", `${child}; setInterval(()=>{}, 1000)`], {
    quiet,
    timeoutMs: 500,
  });
  expect(result.signal).toBe("SIGKILL");
  expect(result.output).toContain("no end after 0.5 s");
});

it("says which command failed", async () => {
  await expect(must(node, ["-e", "process.exit(4)"], { quiet })).rejects.toThrow(
    /process\.exit\(4\) failed \(exit code 4\)/,
  );
  await expect(must("no-such-program-here", [], { quiet })).rejects.toThrow(/exit code 127/);
});

it("asks for versions without throwing", () => {
  expect(firstLine(node, ["--version"])).toBe(process.version);
  expect(firstLine("no-such-program-here", ["--version"])).toBeUndefined();
});
