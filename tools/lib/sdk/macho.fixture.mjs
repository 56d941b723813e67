// Small Mach-O libraries for tests: a header, a name and an empty table of symbols.

const PROCESSORS = { x86_64: [0x01000007, 3], arm64: [0x0100000c, 0] };
const MH_DYLIB = 6;
const ID_DYLIB = [0x0d, 32, 24, 0, 0, 0, 0x78, 0];
const SYMTAB = [0x02, 24, 0, 0, 0, 0];

/** @param {keyof typeof PROCESSORS} processor */
export function machO(processor) {
  const commands = [...ID_DYLIB, ...SYMTAB];
  const header = [0xfeedfacf, ...PROCESSORS[processor], MH_DYLIB, 2, commands.length * 4, 0, 0];
  const words = [...header, ...commands];
  const bytes = Buffer.alloc(words.length * 4);
  for (const [at, word] of words.entries()) bytes.writeUInt32LE(word, at * 4);
  return bytes;
}
