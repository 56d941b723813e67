import { MoqError } from "../errors.js";

/** Certificates of native hosts beside the options that all hosts have, as `moq_client_open` takes them. */
export interface TrustOptions {
  readonly caFile?: string | readonly string[] | undefined;
  readonly insecure?: boolean | undefined;
  readonly clientCertificate?: string | undefined;
  readonly clientKey?: string | undefined;
}

/** Checked fields for the native library. */
export function trustFields(options: TrustOptions | undefined): {
  caFile: readonly string[] | undefined;
  insecure: boolean | undefined;
  clientCertificate: string | undefined;
  clientKey: string | undefined;
} {
  const { caFile, insecure, clientCertificate, clientKey } = options ?? {};
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
  for (const [name, value] of Object.entries({ clientCertificate, clientKey })) {
    if (value !== undefined && (typeof value !== "string" || value === "")) {
      throw new MoqError(
        "invalid_argument",
        `${name} must be PEM text, or the path of a PEM file.`,
      );
    }
  }
  return { caFile: files, insecure, clientCertificate, clientKey };
}
