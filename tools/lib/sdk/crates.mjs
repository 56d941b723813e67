// The crates that are in what we ship: asked of cargo, for one platform.

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { textOf } from "../run.mjs";
import { native } from "../runners.mjs";

const ROOTS = ["moq-ffi", "moqt-relay"];

/**
 * @typedef {object} Crate
 * @property {string} name
 * @property {string} version
 * @property {string} licence SPDX expression
 * @property {string} folder its sources
 * @property {string[]} authors
 * @property {string} [licenceFile] that its manifest names
 * @property {string} [repository]
 * @property {string} [description]
 * @property {string} [checksum] SHA-256 of its package; none for our own crates
 * @property {boolean} linked whether code of it is in the libraries; otherwise it only took part in building them
 * @property {string[]} dependencies keys (`name@version`) of crates
 */

export const keyOf = ({ name, version }) => `${name}@${version}`;

function treeKeys(edges, triple, env) {
  const packages = ROOTS.flatMap((name) => ["--package", name]);
  const shape = ["--edges", edges, "--target", triple, "--prefix", "none", "--format", "{p}"];
  const text = textOf("cargo", ["tree", "--locked", ...packages, ...shape], { cwd: native, env });
  return new Set(
    [...text.matchAll(/^(\S+) v(\S+)/gm)].map(([, name, version]) => `${name}@${version}`),
  );
}

/** Checksums of packages in Cargo.lock, by key. */
function checksums() {
  const lock = readFileSync(join(native, "Cargo.lock"), "utf8");
  const pattern = /^name = "(.+)"\nversion = "(.+)"\nsource = ".+"\nchecksum = "(.+)"$/gm;
  return new Map(
    [...lock.matchAll(pattern)].map(([, name, version, sum]) => [`${name}@${version}`, sum]),
  );
}

/**
 * Every crate of the library and the relay for a platform, sorted by name.
 * @returns {Crate[]}
 */
export function cratesOf(triple, env) {
  const linked = treeKeys("normal,no-proc-macro", triple, env);
  const all = treeKeys("normal,build", triple, env);
  const args = ["metadata", "--locked", "--format-version", "1", "--filter-platform", triple];
  const metadata = JSON.parse(textOf("cargo", args, { cwd: native, env }));
  const keys = new Map(metadata.packages.map((each) => [each.id, keyOf(each)]));
  const nodes = new Map(metadata.resolve.nodes.map((node) => [keys.get(node.id), node]));
  const sums = checksums();
  const crates = metadata.packages.filter((each) => all.has(keyOf(each)));
  return crates
    .map((each) => ({
      name: each.name,
      version: each.version,
      // The older way to write a choice.
      licence: (each.license ?? "").replaceAll("/", " OR "),
      folder: dirname(each.manifest_path),
      authors: each.authors,
      licenceFile: each.license_file ?? undefined,
      repository: each.repository ?? undefined,
      description: each.description?.trim().replace(/\s+/g, " "),
      checksum: sums.get(keyOf(each)),
      linked: linked.has(keyOf(each)),
      dependencies: (nodes.get(keyOf(each))?.deps ?? [])
        .filter((dep) => dep.dep_kinds.some(({ kind }) => kind !== "dev"))
        .map((dep) => keys.get(dep.pkg))
        .filter((key) => all.has(key)),
    }))
    .sort((a, b) => keyOf(a).localeCompare(keyOf(b), "en"));
}

/** Version of the library, from the workspace. */
export function libraryVersion() {
  const manifest = readFileSync(join(native, "Cargo.toml"), "utf8");
  const version = /^\[workspace\.package\]\nversion = "(.+)"/m.exec(manifest)?.[1];
  if (version === undefined) throw new Error("native/Cargo.toml has no workspace version");
  return version;
}
