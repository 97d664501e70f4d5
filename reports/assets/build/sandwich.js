// Callers and callees of one function, out of the tree of a flame graph. Pure.
//
// A function is told by its kind and name, wherever it stands in the tree; what it costs is the sum over the places that
// are not inside another call of it. Callers are a tree from the function upwards, callees one from it downwards, and
// each frame's value is what of the function's cost comes through it.
export const keyOf = ({ name, kind }) => `${kind} ${name}`;

// Functions by key, the dearest first: { name, kind, value, own }. The root, which is a mode and no function, is none.
export function functionsOf(tree) {
  const found = new Map();
  const walk = (node, above) => {
    const key = keyOf(node);
    if (!found.has(key)) found.set(key, { name: node.name, kind: node.kind, value: 0, own: 0 });
    const each = found.get(key);
    each.own += node.value - node.children.reduce((sum, child) => sum + child.value, 0);
    if (!above.has(key)) each.value += node.value;
    node.children.forEach((child) => walk(child, new Set(above).add(key)));
  };
  tree.children.forEach((child) => walk(child, new Set()));
  return new Map([...found].sort(([, one], [, other]) => other.value - one.value));
}

const leaf = ({ name, kind }) => ({ name, kind, value: 0, children: [] });

function below(parent, node) {
  const found = parent.children.find((child) => keyOf(child) === keyOf(node));
  if (!found) parent.children.push(leaf(node));
  return found ?? parent.children.at(-1);
}

function merge(into, node) {
  into.value += node.value;
  node.children.forEach((child) => merge(below(into, child), child));
}

export function sandwichOf(tree, key) {
  const { name, kind } = functionsOf(tree).get(key);
  const callers = leaf({ name, kind }), callees = leaf({ name, kind });
  const walk = (node, above) => {
    if (keyOf(node) !== key) { node.children.forEach((child) => walk(child, [node, ...above])); return; }
    merge(callees, node);
    callers.value += node.value;
    let at = callers;
    for (const caller of above) { at = below(at, caller); at.value += node.value; }
  };
  tree.children.forEach((child) => walk(child, []));
  return { callers, callees };
}
