import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import { root } from "./lib/paths.mjs";

/** What a module and those that it imports need besides Node, as `file: package`. */
function packagesOf(file, seen = new Set()) {
  if (seen.has(file)) return [];
  seen.add(file);
  const imports = readFileSync(file, "utf8").matchAll(
    /^(?:import\s+|(?:import|export)\b[^;"]*?\bfrom\s+)"([^"]+)";/gm,
  );
  return [...imports].flatMap(([, name]) => {
    if (name.startsWith("node:")) return [];
    return name.startsWith(".")
      ? packagesOf(join(dirname(file), name), seen)
      : [`${file}: ${name}`];
  });
}

const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const tools = Object.entries(scripts).flatMap(([name, command]) => {
  const tool = /^node (tools\/\S+\.mjs)/.exec(command)?.[1];
  return tool === undefined ? [] : [[name, tool]];
});

// They install packages themselves: on a fresh clone there are none yet.
it.each(tools)("npm run %s starts without any package", (_, tool) => {
  expect(packagesOf(join(root, tool))).toEqual([]);
});
