export interface Platform {
  name: string;
  triple: string;
  format: "elf" | "pe" | "macho";
  machine: string;
  shared: string;
  staticLibrary: string;
  needs: RegExp;
  cross?: boolean;
}

export const GLIBC_FLOOR: string;
export const MACOS_FLOOR: string;
export const PLATFORMS: Platform[];
