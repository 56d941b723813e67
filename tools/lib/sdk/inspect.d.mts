/** What a shared library or program is, read from the file. */
export interface Binary {
  machine: string;
  exports: string[];
  needs: string[];
  glibc: { name: string; version: string }[];
  debug: boolean;
}

type Format = "elf" | "pe" | "macho";

export function inspectBinary(
  file: string,
  format: Format,
  env: NodeJS.ProcessEnv,
): Promise<Binary>;
export function staticFunctions(
  file: string,
  format: Format,
  env: NodeJS.ProcessEnv,
): Promise<string[]>;
export function declaredFunctions(header: string): string[];
export function glibcFloor(binary: Binary): string | undefined;
