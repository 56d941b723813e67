/** Paths of PEM files, and the SHA-256 of the certificate in hexadecimal. */
export interface TestCertificate {
  readonly cert: string;
  readonly key: string;
  readonly hash: string;
}

export declare function makeCertificate(folder: string): TestCertificate;
