// The software bill of materials: CycloneDX 1.6 in JSON, the same bytes for the same crates.

import { createHash } from "node:crypto";
import { keyOf } from "./crates.mjs";

const reference = (key) => `pkg:cargo/${key}`;

function componentOf(crate) {
  const component = {
    type: "library",
    "bom-ref": reference(keyOf(crate)),
    name: crate.name,
    version: crate.version,
    // What only took part in building is not in the files.
    scope: crate.linked ? "required" : "excluded",
    purl: reference(keyOf(crate)),
    licenses: [{ expression: crate.licence }],
  };
  if (crate.description) component.description = crate.description;
  if (crate.authors.length > 0) component.authors = crate.authors.map((name) => ({ name }));
  if (crate.checksum) component.hashes = [{ alg: "SHA-256", content: crate.checksum }];
  if (crate.repository) component.externalReferences = [{ type: "vcs", url: crate.repository }];
  return component;
}

/** A UUID that follows from a text. */
function uuidOf(text) {
  const hex = createHash("sha256").update(text).digest("hex");
  const variant = ((Number.parseInt(hex[16], 16) & 3) | 8).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    // A custom value (version 8 of RFC 9562).
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join("-");
}

/**
 * @param {import("./crates.mjs").Crate[]} crates
 * @param {{ platform: string, compiler: string, files: { name: string, sha256: string }[] }} build
 */
export function sbomOf(crates, { platform, compiler, files }) {
  const library = crates.find((crate) => crate.name === "moq-ffi");
  const relay = crates.find((crate) => crate.name === "moqt-relay");
  const compilerVersion = /^rustc (\S+)/.exec(compiler)?.[1] ?? compiler;
  const standard = {
    type: "library",
    "bom-ref": `rust-std@${compilerVersion}`,
    name: "rust-std",
    version: compilerVersion,
    scope: "required",
    licenses: [{ expression: "MIT OR Apache-2.0" }],
    description: "The Rust standard library",
  };
  const body = {
    metadata: {
      component: {
        ...componentOf(library),
        "bom-ref": `moq-ffi-sdk@${library.version}`,
        name: "moq-ffi-sdk",
        purl: undefined,
        description: `C ABI of the moq-game client and embedded relay, for ${platform}`,
        components: files.map(({ name, sha256 }) => ({
          type: "file",
          "bom-ref": `file:${name}`,
          name,
          hashes: [{ alg: "SHA-256", content: sha256 }],
        })),
      },
      properties: [
        { name: "moq-game:platform", value: platform },
        { name: "moq-game:compiler", value: compiler },
      ],
    },
    components: [...crates.map(componentOf), standard],
    dependencies: [
      {
        ref: `moq-ffi-sdk@${library.version}`,
        dependsOn: [reference(keyOf(library)), reference(keyOf(relay)), standard["bom-ref"]],
      },
      ...crates.map((crate) => ({
        ref: reference(keyOf(crate)),
        dependsOn: [...new Set(crate.dependencies.map(reference))].sort(),
      })),
    ],
  };
  return `${JSON.stringify(
    {
      bomFormat: "CycloneDX",
      specVersion: "1.6",
      serialNumber: `urn:uuid:${uuidOf(JSON.stringify(body))}`,
      version: 1,
      ...body,
    },
    undefined,
    2,
  )}\n`;
}
