// Private members are younger than ES2021. Lowered to WeakMaps, as compilers do it, they make reading five to ten times
// slower; as plain members they cost what they did, and less on the engine of Unreal, which is slow with private ones.
// So `#name` becomes `_name`, which is as long: what stands on a line stays where the source map says.

import { parse } from "acorn";

/**
 * JavaScript without private names. Fields without a value get one, so that every object has all of its fields from
 * the start when they become assignments. Throws where a plain name would mean something else, so that it never does.
 */
export function plainMembers(code) {
  const hashes = [];
  const unset = [];
  const tree = parse(code, {
    ecmaVersion: 2022,
    sourceType: "script",
    onToken: ({ type, start }) => {
      if (type.label === "privateId") hashes.push(start);
    },
  });
  const classes = [];
  const used = new Set();
  walk(tree, (node, parent) => {
    if (node.type === "ClassDeclaration" || node.type === "ClassExpression") {
      classes.push(membersOf(node, parent));
    } else if (node.type === "BinaryExpression" && node.left.type === "PrivateIdentifier") {
      throw new Error(`"#${node.left.name} in" has no plain form; ask in another way.`);
    }
    if (node.type === "PropertyDefinition" && node.value === null) unset.push(node.end);
    const name = plainName(node, parent);
    if (name !== undefined) used.add(name);
  });
  for (const { name, base, hidden } of classes) {
    for (const member of hidden) {
      if (used.has(`_${member}`)) {
        throw new Error(
          `#${member} of ${name} becomes _${member}, which is used as well; rename one.`,
        );
      }
    }
    for (const member of inherited(classes, base)) {
      if (hidden.has(member)) {
        throw new Error(`${name} and a class that it extends both have #${member}; rename one.`);
      }
    }
  }
  const units = code.split("");
  for (const at of hashes) units[at] = "_";
  // Such a field ends with its semicolon, and its line with it.
  for (const end of unset) units[end - 1] = " = void 0;";
  return units.join("");
}

function membersOf(node, parent) {
  const name = (node.id ?? parent?.id)?.name;
  const hidden = node.body.body.filter(({ key }) => key?.type === "PrivateIdentifier");
  return { name, base: node.superClass, hidden: new Set(hidden.map(({ key }) => key.name)) };
}

/** Private members of the classes that a class extends; those of the language have none. */
function* inherited(classes, base) {
  for (let above = base; above !== null; ) {
    if (above.type !== "Identifier") throw new Error("A class extends what has no name.");
    const { name } = above;
    const found = classes.find((each) => each.name === name);
    if (found !== undefined) yield* found.hidden;
    above = found?.base ?? null;
  }
}

/** The name of a property, where this node is one, or could be one that is computed. */
function plainName(node, parent) {
  if (node.type === "Literal" && typeof node.value === "string") return node.value;
  const property = parent?.type === "MemberExpression" ? parent.property : parent?.key;
  return node.type === "Identifier" && node === property ? node.name : undefined;
}

function walk(node, visit, parent) {
  visit(node, parent);
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (typeof child?.type === "string") walk(child, visit, node);
    }
  }
}
