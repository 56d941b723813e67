// What Unreal's header tool does for the shim: reads the plugin's headers, refuses what the real tool would refuse (as
// far as this plugin can get it wrong), and writes `*.generated.h` and one `.gen.cpp` that make reflection real enough
// for garbage collection and for delegates that are bound by name.
//
//   node header-tool.mjs OUT HEADER_ROOT…
//
// OUT/include gets the generated headers and, for each name in engine-headers.json, a header of that name that
// includes the shim's file. OUT/reflection.gen.cpp is to be compiled.

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));

/** Classes and structs of the engine that the shim has. */
const ENGINE_STRUCTS = new Set(["FString", "FName", "FText", "FTimespan", "FDateTime", "FGuid"]);
const PLAIN = new Set(["bool", "uint8", "int32", "int64", "float", "double"]);

/** A header that the real tool would not take; `file` and `line` are where. */
export class HeaderError extends Error {
  constructor(file, line, message) {
    super(`${file}:${line}: ${message}`);
    this.name = "HeaderError";
  }
}

/** Comments and the contents of texts replaced by spaces, so that offsets and lines stay. */
export function blank(source) {
  const pattern = /\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:\\.|[^"\\\n])*"/g;
  return source.replace(pattern, (found) =>
    found.startsWith('"') ? `"${" ".repeat(found.length - 2)}"` : found.replace(/[^\n]/g, " "),
  );
}

/** The index after the bracket that closes the one at `open`. */
function closing(text, open) {
  const pairs = { "(": ")", "{": "}", "<": ">" };
  const opener = text[open];
  let depth = 0;
  for (let at = open; at < text.length; at += 1) {
    if (text[at] === opener) depth += 1;
    else if (text[at] === pairs[opener]) {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  throw new Error(`unbalanced ${opener}`);
}

/** Splits at commas that stand in no bracket. */
function splitCommas(text) {
  const parts = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at < text.length; at += 1) {
    if ("(<{[".includes(text[at])) depth += 1;
    else if (")>}]".includes(text[at])) depth -= 1;
    else if (text[at] === "," && depth === 0) {
      parts.push(text.slice(from, at));
      from = at + 1;
    }
  }
  parts.push(text.slice(from));
  return parts.map((part) => part.trim()).filter((part) => part !== "");
}

const lineOf = (text, at) => text.slice(0, at).split("\n").length;

/** `const FString& Url = TEXT("")` as `{ type: "FString", name: "Url" }`. */
function parameter(text) {
  const bare = text
    .replace(/=.*$/s, "")
    .replace(/UPARAM\([^)]*\)/, "")
    .trim();
  const match = /^(.*?)\s*([A-Za-z_]\w*)$/s.exec(bare);
  return { type: bareType(match?.[1] ?? bare), name: match?.[2] ?? "" };
}

function bareType(type) {
  return type
    .replace(/\b(const|class|struct|static|virtual|inline)\b/g, "")
    .replace(/\b[A-Z]+_API\b/g, "")
    .replace(/&/g, "")
    .replace(/\s+/g, "");
}

/** One header's reflected declarations. */
export function parse(file, source) {
  const text = blank(source);
  const generated = `${basename(file, ".h")}.generated.h`;
  const includes = [...source.matchAll(/^#include\s+["<]([^">]+)[">]/gm)];
  const marks = [...text.matchAll(/\b(UCLASS|USTRUCT|UENUM|UINTERFACE)\s*\(/g)];
  const delegates = [...text.matchAll(/\bDECLARE_DYNAMIC_(MULTICAST_)?DELEGATE(\w*)\s*\(/g)];
  if (marks.length + delegates.length === 0) return undefined;
  const last = includes.at(-1);
  if (last?.[1] !== generated) {
    throw new HeaderError(
      file,
      last ? lineOf(source, last.index) : 1,
      `the last #include must be "${generated}"`,
    );
  }

  const types = [];
  for (const mark of marks) {
    const open = mark.index + mark[0].length - 1;
    const afterSpec = closing(text, open);
    const specifiers = source.slice(open + 1, afterSpec - 1);
    const head =
      /\s*(class|struct|enum\s+class)\s+(?:([A-Z]+_API)\s+)?(\w+)\s*(?:final\s*)?(?::\s*([^{;]*))?\{/y;
    head.lastIndex = afterSpec;
    const found = head.exec(text);
    const line = lineOf(text, mark.index);
    if (!found) throw new HeaderError(file, line, `${mark[1]} must stand before a definition`);
    const kind = mark[1];
    const bodyStart = head.lastIndex - 1;
    const bodyEnd = closing(text, bodyStart);
    const type = {
      kind,
      file,
      line,
      exported: found[2] !== undefined,
      name: found[3],
      specifiers,
      super: (found[4] ?? "")
        .replace(/\b(public|protected|private|virtual)\b/g, "")
        .split(",")[0]
        .trim(),
      properties: [],
      functions: [],
      bodyLine: 0,
    };
    types.push(type);
    if (kind === "UENUM") {
      if (!/:\s*uint8/.test(found[0]))
        throw new HeaderError(file, line, `${type.name}: a Blueprint enum is ": uint8"`);
      type.values = splitCommas(text.slice(bodyStart + 1, bodyEnd - 1)).map(
        (value) => /^\w+/.exec(value)[0],
      );
      continue;
    }
    const prefix = kind === "UCLASS" ? /^[UA]/ : /^F/;
    if (!prefix.test(type.name))
      throw new HeaderError(file, line, `${type.name} has the wrong prefix`);
    const body = text.slice(bodyStart, bodyEnd);
    const generatedBody = body.indexOf("GENERATED_BODY()");
    if (generatedBody < 0)
      throw new HeaderError(file, line, `${type.name} has no GENERATED_BODY()`);
    type.bodyLine = lineOf(text, bodyStart + generatedBody);
    for (const member of body.matchAll(/\b(UPROPERTY|UFUNCTION)\s*\(/g)) {
      const at = bodyStart + member.index + member[0].length - 1;
      const afterMember = closing(text, at);
      const spec = source.slice(at + 1, afterMember - 1);
      const memberLine = lineOf(text, at);
      if (member[1] === "UPROPERTY") {
        const end = text.indexOf(";", afterMember);
        const declared = parameter(text.slice(afterMember, end).replace(/\{[^}]*\}$/, ""));
        type.properties.push({ ...declared, specifiers: spec, line: memberLine });
      } else {
        const parenthesis = text.indexOf("(", afterMember);
        const signature = parameter(text.slice(afterMember, parenthesis));
        const parameters = splitCommas(
          text.slice(parenthesis + 1, closing(text, parenthesis) - 1),
        ).map(parameter);
        type.functions.push({
          name: signature.name,
          result: signature.type,
          parameters,
          specifiers: spec,
          line: memberLine,
        });
      }
    }
  }
  return {
    file,
    generated,
    types,
    delegates: delegates.map((found) => {
      const open = found.index + found[0].length - 1;
      const [name, ...rest] = splitCommas(text.slice(open + 1, closing(text, open) - 1));
      const parameters = [];
      for (let at = 0; at + 1 < rest.length; at += 2)
        parameters.push({ type: bareType(rest[at]), name: rest[at + 1] });
      return {
        name,
        multicast: found[1] !== undefined,
        parameters,
        line: lineOf(text, found.index),
      };
    }),
  };
}

/** Whether Blueprints can hold a value of this type. */
function isBlueprintType(type, known) {
  if (PLAIN.has(type) || ENGINE_STRUCTS.has(type) || known.has(type)) return true;
  const container =
    /^(TArray|TSet|TMap|TObjectPtr|TSubclassOf|TWeakObjectPtr|TSoftObjectPtr)<(.+)>$/.exec(type);
  if (container) {
    const inner = splitCommas(container[2]);
    if (/Ptr$|SubclassOf$/.test(container[1])) return inner.every((name) => /^[UA]\w+$/.test(name));
    return inner.every(
      (name) => isBlueprintType(name, known) && !/^(TArray|TSet|TMap)</.test(name),
    );
  }
  return /^[UA][A-Z]\w*\*$/.test(type);
}

/** What the real tool refuses, over all headers together. */
export function check(headers) {
  const known = new Set();
  const multicast = new Set();
  for (const header of headers) {
    for (const type of header.types) if (type.kind !== "UCLASS") known.add(type.name);
    for (const delegate of header.delegates) {
      known.add(delegate.name);
      if (delegate.multicast) multicast.add(delegate.name);
    }
  }
  for (const header of headers) {
    const fail = (line, message) => {
      throw new HeaderError(header.file, line, message);
    };
    for (const delegate of header.delegates) {
      for (const { type, name } of delegate.parameters) {
        if (!isBlueprintType(type, known))
          fail(
            delegate.line,
            `${delegate.name}: ${name} has the type ${type}, which Blueprints lack`,
          );
      }
    }
    for (const type of header.types) {
      for (const property of type.properties) {
        const shown = /\b(Edit\w+|Visible\w+|Blueprint(ReadOnly|ReadWrite|Assignable))\b/.test(
          property.specifiers,
        );
        if (!shown) continue;
        if (!/Category\s*=/.test(property.specifiers))
          fail(property.line, `${property.name} is shown to users and needs a Category`);
        if (!isBlueprintType(property.type, known))
          fail(
            property.line,
            `${property.name} has the type ${property.type}, which Blueprints lack`,
          );
        if (/BlueprintAssignable/.test(property.specifiers) && !multicast.has(property.type))
          fail(
            property.line,
            `${property.name}: BlueprintAssignable needs a dynamic multicast delegate`,
          );
      }
      // Other modules see it, and Blueprints of the game: without the macro a link fails there.
      if (/[\\/]Public[\\/]/.test(header.file) && type.kind !== "UENUM" && !type.exported)
        fail(type.line, `${type.name} is public and lacks the module's _API macro`);
      const names = new Set();
      for (const fn of type.functions) {
        if (names.has(fn.name))
          fail(fn.line, `${fn.name} is a UFUNCTION twice: they cannot be overloaded`);
        names.add(fn.name);
        const shadow = fn.parameters.find(({ name }) =>
          type.properties.some((property) => property.name === name),
        );
        if (shadow)
          fail(
            fn.line,
            `${fn.name}: its parameter ${shadow.name} shadows the property of that name`,
          );
        if (!/\bBlueprint(Callable|Pure|ImplementableEvent|NativeEvent)\b/.test(fn.specifiers))
          continue;
        if (!/Category\s*=/.test(fn.specifiers)) fail(fn.line, `${fn.name} needs a Category`);
        for (const { type: kind, name } of fn.parameters) {
          if (!isBlueprintType(kind, known))
            fail(fn.line, `${fn.name}: ${name} has the type ${kind}, which Blueprints lack`);
        }
        if (fn.result !== "void" && !isBlueprintType(fn.result, known))
          fail(fn.line, `${fn.name} gives ${fn.result}, which Blueprints lack`);
        const context = /WorldContext\s*=\s*"(\w+)"/.exec(fn.specifiers)?.[1];
        if (context && !fn.parameters.some(({ name }) => name === context))
          fail(fn.line, `${fn.name} has no parameter ${context}`);
      }
    }
  }
}

/** Which configuration a class reads: "Game", or "" for none. */
const configOf = ({ specifiers }) => /\bconfig\s*=\s*(\w+)/i.exec(specifiers)?.[1] ?? "";

/** The module of a header in `Source/MODULE`. */
const moduleOf = (file) => /[\\/]Source[\\/](\w+)[\\/]/.exec(file)?.[1] ?? "Shim";

/** `meta = (ClampMin = "0")` as what initialises the map of the shim. */
function metaOf(specifiers) {
  const found = /\bmeta\s*=\s*\(([\s\S]*)\)/i.exec(specifiers)?.[1] ?? "";
  const pairs = [...found.matchAll(/(\w+)\s*=\s*"([^"]*)"/g)].map(
    ([, name, value]) => `{"${name}", "${value}"}`,
  );
  return `{${pairs.join(", ")}}`;
}

/** The text of `X.generated.h`. */
export function generatedHeader(header) {
  const id = basename(header.file).replace(/\W/g, "_");
  const lines = [`#undef CURRENT_FILE_ID`, `#define CURRENT_FILE_ID ${id}`];
  for (const type of header.types) {
    if (type.kind === "UENUM") {
      lines.push(`enum class ${type.name} : uint8;`);
      lines.push(`template <> UEnum* StaticEnum<${type.name}>();`);
      continue;
    }
    const visit = "void ShimVisit(Shim::FVisitor& Visitor);";
    const config = configOf(type)
      ? " void ShimConfigOwn(const Shim::FConfigSection& Section);"
      : "";
    const body =
      type.kind === "UCLASS"
        ? `public: using ThisClass = ${type.name}; using Super = ${type.super}; static UClass* StaticClass(); void ShimVisitOwn(Shim::FVisitor& Visitor);${config} private:`
        : visit;
    lines.push(`#define ${id}_${type.bodyLine}_GENERATED_BODY ${body}`);
  }
  return `${lines.join("\n")}\n`;
}

/** The text of the source that defines what the headers declare. */
export function generatedSource(headers, roots) {
  const lines = ['#include "CoreMinimal.h"', '#include "Shim/Object.h"'];
  for (const header of headers) {
    const root = roots.find((folder) => header.file.startsWith(folder));
    lines.push(`#include "${relative(root, header.file)}"`);
  }
  for (const { types } of headers) {
    for (const type of types) {
      if (type.kind === "UENUM") {
        const names = type.values
          .map((name) => `{static_cast<int64>(${type.name}::${name}), "${name}"}`)
          .join(", ");
        lines.push(
          `template <> UEnum* StaticEnum<${type.name}>() {`,
          `  static auto* const Enum = new UEnum({${names}});`,
          "  return Enum;\n}",
        );
        continue;
      }
      const visits = type.properties
        .map(({ name }) => `  Shim::Visit(Visitor, ${name});`)
        .join("\n");
      const method = type.kind === "UCLASS" ? "ShimVisitOwn" : "ShimVisit";
      lines.push(
        `void ${type.name}::${method}([[maybe_unused]] Shim::FVisitor& Visitor) {\n${visits}\n}`,
      );
      if (type.kind !== "UCLASS") continue;
      const functions = type.functions.map(({ name }) => `"${name}"`).join(", ");
      const abstract = /\bAbstract\b/i.test(type.specifiers);
      const properties = type.properties.map(
        ({ name, type: kind, specifiers }) => `{"${name}", "${kind}", ${metaOf(specifiers)}}`,
      );
      const config = configOf(type);
      if (config) {
        const reads = type.properties
          .filter(({ specifiers }) => /\bconfig\b/i.test(specifiers))
          .map(({ name }) => `  Section.Read(TEXT("${name}"), ${name});`);
        lines.push(
          `void ${type.name}::ShimConfigOwn([[maybe_unused]] const Shim::FConfigSection& Section) {`,
          ...reads,
          "}",
        );
      }
      lines.push(`UClass* ${type.name}::StaticClass() {`);
      lines.push("  static UClass* Class = []() {", "    Shim::FClassInfo Info;");
      lines.push(`    Info.Name = "${type.name.slice(1)}";`);
      lines.push(`    Info.Module = "${moduleOf(type.file)}";`);
      lines.push(`    Info.Config = "${config}";`);
      lines.push(`    Info.Meta = ${metaOf(type.specifiers)};`);
      lines.push(`    Info.Functions = {${functions}};`);
      for (const property of properties) lines.push(`    Info.Properties.push_back(${property});`);
      lines.push(`    return Shim::MakeClass<${type.name}, ${abstract}>(std::move(Info));`);
      lines.push("  }();\n  return Class;\n}");
      lines.push(
        `static const Shim::FClassRegistration Register${type.name}(&${type.name}::StaticClass);`,
      );
    }
  }
  return `${lines.join("\n")}\n`;
}

function headersUnder(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return headersUnder(path);
    return entry.name.endsWith(".h") ? [path] : [];
  });
}

function write(path, text) {
  mkdirSync(dirname(path), { recursive: true });
  // The time of a file that did not change stays, so that nothing is compiled again.
  try {
    if (readFileSync(path, "utf8") === text) return;
  } catch {
    // It is new.
  }
  writeFileSync(path, text);
}

function run(out, roots) {
  const files = roots.flatMap(headersUnder).sort();
  const headers = files
    .map((file) => parse(file, readFileSync(file, "utf8")))
    .filter((header) => header !== undefined);
  check(headers);
  for (const header of headers)
    write(join(out, "include", header.generated), generatedHeader(header));
  write(join(out, "reflection.gen.cpp"), generatedSource(headers, roots));
  const engine = JSON.parse(readFileSync(join(here, "engine-headers.json"), "utf8"));
  for (const [shim, names] of Object.entries(engine)) {
    for (const name of names)
      write(join(out, "include", name), `#pragma once\n#include "Shim/${shim}"\n`);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [out, ...roots] = process.argv.slice(2);
  try {
    run(
      out,
      roots.map((folder) => resolve(folder)),
    );
  } catch (error) {
    process.stderr.write(`${error.name === "HeaderError" ? error.message : error.stack}\n`);
    process.exitCode = 1;
  }
}
