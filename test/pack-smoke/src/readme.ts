import { readFileSync } from "node:fs";
import { join } from "node:path";
import { repository } from "./scratch.js";

/** The code of the README that is marked `<!-- run: NAME -->`, exactly as a reader copies it. */
export function readmeCode(name: string): string {
  const text = readFileSync(join(repository, "README.md"), "utf8");
  const pattern = new RegExp(`<!-- run: ${name} -->\\s*\`\`\`\\w+\\n([\\s\\S]*?)\\n\`\`\``);
  const code = pattern.exec(text)?.[1];
  if (code === undefined) throw new Error(`README.md has no code marked "run: ${name}"`);
  return code;
}
