// The C++ blocks of the documents that are marked to run, as one file: documents.mjs OUT README.md UNREAL.md

import { readFileSync, writeFileSync } from "node:fs";

const [out, readme, guide] = process.argv.slice(2);

/** The one block of a document that is marked. */
function block(file) {
  const found = [
    ...readFileSync(file, "utf8").matchAll(/<!-- run: unreal -->\n```cpp\n([\s\S]*?)```/g),
  ];
  if (found.length !== 1)
    throw new Error(`${file} has ${found.length} blocks marked "run: unreal"`);
  const url = 'TEXT("moqt://relay.example:4443")';
  if (!found[0][1].includes(url)) throw new Error(`${file} connects to another relay than ${url}`);
  return found[0][1].replace(url, "AMyPawn::Relay");
}

writeFileSync(out, `${block(guide)}\nvoid AMyPawn::FromReadme() {\n${block(readme)}}\n`);
