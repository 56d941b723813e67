// A library for macOS that holds one for each processor, as Apple's lipo makes it: Unreal loads one file on a Mac. lipo
// is in no package that all our build machines have, and the format is a table of five numbers for each part
// (mach-o/fat.h of macOS).

import { readFileSync, writeFileSync } from "node:fs";
import { SetupError } from "../setup.mjs";

/** FAT_MAGIC; the table is big-endian whatever the parts are. */
const FAT_MAGIC = 0xcafebabe;
/** MH_MAGIC_64, as a little-endian processor writes it. */
const THIN_MAGIC = 0xfeedfacf;
/** Parts begin at pages: 16 KiB on Apple's own processors, where 4 KiB would do for Intel. */
const ALIGNMENT_BITS = 14;
const HEADER_BYTES = 8;
const ENTRY_BYTES = 20;

/** The CPU of a Mach-O library for one processor: type and subtype, as its header has them. */
function processorOf(file, bytes) {
  if (bytes.length >= 32 && bytes.readUInt32LE(0) === THIN_MAGIC) {
    return { type: bytes.readUInt32LE(4), subtype: bytes.readUInt32LE(8) };
  }
  throw new SetupError(`${file} is no library for one processor of macOS (64-bit Mach-O).`);
}

/**
 * Writes the universal library of `files`, each for another processor, to `to`. The parts keep every byte, and so their
 * signatures.
 * @param {string[]} files @param {string} to
 */
export function writeUniversal(files, to) {
  const page = 1 << ALIGNMENT_BITS;
  let offset = HEADER_BYTES + ENTRY_BYTES * files.length;
  const parts = files.map((file) => {
    const bytes = readFileSync(file);
    offset = Math.ceil(offset / page) * page;
    const part = { file, bytes, offset, ...processorOf(file, bytes) };
    offset += bytes.length;
    return part;
  });
  if (new Set(parts.map(({ type, subtype }) => `${type} ${subtype}`)).size < parts.length) {
    throw new SetupError(`${files.join(" and ")} are for the same processor.`);
  }
  const whole = Buffer.alloc(offset);
  whole.writeUInt32BE(FAT_MAGIC, 0);
  whole.writeUInt32BE(parts.length, 4);
  for (const [index, part] of parts.entries()) {
    const entry = [part.type, part.subtype, part.offset, part.bytes.length, ALIGNMENT_BITS];
    for (const [at, number] of entry.entries()) {
      whole.writeUInt32BE(number, HEADER_BYTES + ENTRY_BYTES * index + 4 * at);
    }
    part.bytes.copy(whole, part.offset);
  }
  writeFileSync(to, whole);
}
