import { MoqError } from "../errors.js";

/** Whom native hosts trust beside the options that all hosts have, as `moq_client_open` takes it. */
export interface TrustOptions {
  readonly caFile?: string | readonly string[] | undefined;
  readonly insecure?: boolean | undefined;
}

/** Checked fields for the native library. */
export function trustFields(options: TrustOptions | undefined): {
  caFile: readonly string[] | undefined;
  insecure: boolean | undefined;
} {
  const { caFile, insecure } = options ?? {};
  const files = typeof caFile === "string" ? [caFile] : caFile;
  if (
    files !== undefined &&
    (!Array.isArray(files) || files.some((f) => typeof f !== "string" || f === ""))
  ) {
    throw new MoqError(
      "invalid_argument",
      "caFile must be the path of a PEM file, or a list of them.",
    );
  }
  if (insecure !== undefined && typeof insecure !== "boolean") {
    throw new MoqError("invalid_argument", "insecure must be true or false.");
  }
  return { caFile: files, insecure };
}
