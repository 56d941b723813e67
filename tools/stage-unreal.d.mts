/** What of `stage-unreal.mjs` TypeScript uses. */
export function stage(options: {
  readonly to: string;
  readonly libraries: Readonly<Record<string, string>>;
  readonly overwrite?: boolean;
}): Promise<{
  readonly files: number;
  readonly scripts: boolean;
  readonly plugins: string[];
  readonly kept: string[];
}>;

/** Files by Unreal's names of the platforms. */
export function sdkLibraries(folder: string, to: string): Readonly<Record<string, string>>;
