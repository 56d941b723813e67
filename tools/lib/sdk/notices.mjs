// The licences of everything in the archive, in full, from the crates' own files. Walking the sources that were compiled
// needs no further tool, and a crate without a text is an error here instead of a gap.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../paths.mjs";
import { SetupError } from "../setup.mjs";
import { keyOf } from "./crates.mjs";

const NAMES = /^(licen[cs]e|copying|copyright|notice|unlicen[cs]e)/i;
const RULE = "=".repeat(80);

function readText(file) {
  return readFileSync(file, "utf8").replaceAll("\r\n", "\n").trim();
}

/** Licence files in a crate's folder; a crate's own choice of names. */
function licenceFiles(crate) {
  const found = readdirSync(crate.folder, { withFileTypes: true })
    .filter((entry) => entry.isFile() && NAMES.test(entry.name) && !/\.rs$/.test(entry.name))
    .map((entry) => entry.name)
    .sort();
  if (crate.licenceFile && !found.includes(crate.licenceFile)) found.push(crate.licenceFile);
  return found;
}

/** Texts of a crate: its own, or that of the Apache licence, which needs no name of a holder in it. */
function textsOf(crate) {
  const own = licenceFiles(crate).map((name) => readText(join(crate.folder, name)));
  if (own.length > 0) return own;
  if (/\bApache-2\.0\b/.test(crate.licence)) return [readText(join(root, "LICENSE-APACHE"))];
  throw new SetupError(
    `${keyOf(crate)} (${crate.licence}) carries no licence text; its notice has to be added by hand.`,
  );
}

/**
 * One file: a table of the crates, then each distinct text with the crates that it belongs to.
 * @param {import("./crates.mjs").Crate[]} crates
 * @param {{ name: string, licence: string, text: string }[]} others what is no crate
 */
export function noticesOf(crates, others = []) {
  const foreign = crates.filter((crate) => crate.checksum !== undefined && crate.linked);
  /** @type {Map<string, string[]>} */
  const texts = new Map();
  const add = (text, name) => texts.set(text, [...(texts.get(text) ?? []), name]);
  for (const crate of foreign) for (const text of textsOf(crate)) add(text, keyOf(crate));
  for (const other of others) add(other.text, other.name);
  const table = [
    ...foreign.map((crate) => {
      const by = crate.authors.length > 0 ? `; ${crate.authors.join(", ")}` : "";
      return `- ${keyOf(crate)}: ${crate.licence}${by}${crate.repository ? `\n  ${crate.repository}` : ""}`;
    }),
    ...others.map(({ name, licence }) => `- ${name}: ${licence}`),
  ];
  const sections = [...texts].map(
    ([text, names]) => `${RULE}\n${names.join(", ")}\n${RULE}\n\n${text}\n`,
  );
  return [
    "moq-ffi contains the following software. Where a choice of licences is given, each text follows.\n",
    `${table.join("\n")}\n`,
    ...sections,
  ].join("\n");
}

/** What is no crate in a file that {@link noticesOf} wrote. */
export function othersIn(notices) {
  const licences = new Map(
    [...notices.matchAll(/^- ([^@\n]+): ([^:\n]+)$/gm)].map(([, name, licence]) => [name, licence]),
  );
  // Rule, names, rule, text, again and again.
  const parts = notices.split(`${RULE}\n`).slice(1);
  const others = [];
  for (let at = 0; at + 1 < parts.length; at += 2) {
    const names = parts[at]?.trim().split(", ") ?? [];
    const text = parts[at + 1]?.trim() ?? "";
    for (const name of names) {
      const licence = licences.get(name);
      if (licence !== undefined) others.push({ name, licence, text });
    }
  }
  return others;
}
