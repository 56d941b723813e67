/** Command-line switches with which headless Chromium runs as root and in containers. */
export const CHROMIUM_ARGS: readonly string[];
/** The path of a Chromium, or undefined. `MOQ_CHROMIUM` names one and wins. */
export function findChromium(env?: Record<string, string | undefined>): string | undefined;
/** As `findChromium`, but installs one when there is none. */
export function ensureChromium(env?: Record<string, string | undefined>): Promise<string>;
