// npm run clean: removes what builds made inside the checkout. Cargo's output lies in a cache that other checkouts
// share and is left alone; the last line says where.

import { readdirSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { say } from "./lib/log.mjs";
import { cargoTargetDir, root } from "./lib/paths.mjs";

const groups = ["packages", "examples", "test"];
const made = ["dist", "build", ".turbo"];
const folders = [
  ...groups.flatMap((group) =>
    readdirSync(join(root, group)).flatMap((name) =>
      made.map((end) => join(root, group, name, end)),
    ),
  ),
  join(root, ".turbo"),
  join(root, "dist"),
  join(root, "node_modules", ".cache"),
  join(root, "native", "moq-ffi", "tests", "build"),
];
for (const folder of folders) {
  rmSync(folder, { recursive: true, force: true });
  say(`removed ${relative(root, folder)}`);
}
say(`kept ${cargoTargetDir()} (Cargo's cache)`);
