// Turns shipped JavaScript into code that a controlled scheduler can run: every access to shared memory becomes visible.
// It must never know what the code does; it goes by names only, so shared arrays must be called `words`, `slots`, `bytes`
// or `floats` (a check in the tests guards that).
//
// Each function that touches shared memory, or calls one that does, gets a generator twin whose name ends in `$`; the
// original stays for set-up code. In the twin
//   Atomics.op(array, index, value)   becomes  (yield $.op(site, array, index, value))   a scheduling point
//   array[index], array[index] = v    becomes  $.r(site, array, index), $.w(site, array, index, v)   race-checked
//   array.fill / set / copyWithin     becomes  $.bulk…
//   f(…), o.m(…) of such a function   becomes  (yield* f$(…)), (yield* o.m$(…))
// All operands are evaluated before the yield, so no two accesses are fused.

import { parse } from 'acorn';
import { walk } from 'estree-walker';
import MagicString from 'magic-string';

/** Names of the arena's views: what is indexed by these names is shared memory. */
export const SHARED_NAMES: ReadonlySet<string> = new Set(['words', 'slots', 'bytes', 'floats']);
const BULK = new Set(['fill', 'set', 'copyWithin', 'slice', 'subarray']);
/** Methods of built-in collections with these names must still be reachable where a twin of the name exists. */
const BUILT_IN = new Set<string>([
  ...[Array, Map, Set, Int32Array, String].flatMap((c) => Object.getOwnPropertyNames(c.prototype)),
  // The arena's, which is not instrumented.
  'alloc',
  'free',
]);

/** Publish statistics that no other code depends on: left alone, so that schedules are not spent on them. */
const QUIET: ReadonlySet<string> = new Set(['#publish', '#put', 'count']);

// biome-ignore lint/suspicious/noExplicitAny: syntax tree nodes of many shapes
type Node = any;

export interface Site {
  /** `function:NAME`, with `#2` and so on when a function has several of that name. */
  label: string;
  kind: string;
  file: string;
}

export interface SourceModule {
  /** The name by which other modules import it, from `stack/`: `channel/ring.js`. */
  name: string;
  source: string;
}

export interface Instrumented {
  /** Function bodies by module name, to be called with `$`, `$import`, `$exports`. */
  bodies: Map<string, string>;
  sites: Site[];
}

interface Definition {
  name: string;
  node: Node;
  getter: boolean;
  isConstructor: boolean;
  module: string;
}

function isShared(node: Node): boolean {
  if (node.type === 'Identifier') return SHARED_NAMES.has(node.name);
  if (node.type === 'MemberExpression' && !node.computed) return SHARED_NAMES.has(node.property.name);
  return false;
}

function isSharedIndex(node: Node): boolean {
  return node.type === 'MemberExpression' && node.computed && isShared(node.object);
}

function isAtomics(node: Node): boolean {
  return (
    node.type === 'CallExpression' &&
    node.callee.type === 'MemberExpression' &&
    node.callee.object.type === 'Identifier' &&
    node.callee.object.name === 'Atomics'
  );
}

function isBulk(node: Node): boolean {
  return (
    node.type === 'CallExpression' &&
    node.callee.type === 'MemberExpression' &&
    !node.callee.computed &&
    BULK.has(node.callee.property.name) &&
    isShared(node.callee.object)
  );
}

function calledName(node: Node): string | undefined {
  if (node.type !== 'CallExpression') return undefined;
  const { callee } = node;
  if (callee.type === 'Identifier') return callee.name;
  if (callee.type === 'MemberExpression' && !callee.computed) return propertyName(callee.property);
  return undefined;
}

function propertyName(property: Node): string {
  return property.type === 'PrivateIdentifier' ? `#${property.name}` : property.name;
}

function definitionsOf(module: SourceModule, tree: Node): Definition[] {
  const found: Definition[] = [];
  for (const top of tree.body) {
    const node = top.type === 'ExportNamedDeclaration' && top.declaration ? top.declaration : top;
    if (node.type === 'FunctionDeclaration') {
      found.push({ name: node.id.name, node, getter: false, isConstructor: false, module: module.name });
    }
    if (node.type !== 'ClassDeclaration') continue;
    for (const member of node.body.body) {
      if (member.type !== 'MethodDefinition' || member.static || member.kind === 'set') continue;
      found.push({
        name: propertyName(member.key),
        node: member,
        getter: member.kind === 'get',
        isConstructor: member.kind === 'constructor',
        module: module.name,
      });
    }
  }
  return found;
}

/** Names (of functions, methods, getters) whose bodies touch shared memory, directly or through others. */
function touching(definitions: Definition[]): { calls: Set<string>; getters: Set<string> } {
  const calls = new Set<string>();
  const getters = new Set<string>();
  for (let changed = true; changed; ) {
    changed = false;
    for (const definition of definitions) {
      const { name, node, getter, isConstructor } = definition;
      if (isConstructor || QUIET.has(name) || (getter ? getters : calls).has(name)) continue;
      let touches = false;
      walk(node, {
        enter(child: Node) {
          if (isAtomics(child) || isSharedIndex(child) || isBulk(child)) touches = true;
          const called = calledName(child);
          if (called !== undefined && calls.has(called) && !BUILT_IN.has(called)) touches = true;
          if (called !== undefined && BUILT_IN.has(called) && calls.has(called) && !isPlainCollection(child))
            touches = true;
          if (
            child.type === 'MemberExpression' &&
            !child.computed &&
            getters.has(propertyName(child.property))
          ) {
            touches = true;
          }
        },
      });
      if (touches) {
        (getter ? getters : calls).add(name);
        changed = true;
      }
    }
  }
  return { calls, getters };
}

/** `this.#free.push(…)` and the like on arrays: by far the most calls with built-in names. */
function isPlainCollection(call: Node): boolean {
  const object = call.callee.object;
  return object?.type === 'ArrayExpression';
}

/** Gives every loop a guard, so that code whose order was broken on purpose cannot hang the explorer. */
function guardLoops(source: string): string {
  const out = new MagicString(source);
  walk(parse(source, { ecmaVersion: 2023, sourceType: 'module' }) as Node, {
    enter(node: Node) {
      if (!/^(For|ForOf|While|DoWhile)Statement$/.test(node.type)) return;
      const guard = 'if (++$.spins > 20000) $.spun();';
      if (node.body.type === 'BlockStatement') out.appendRight(node.body.start + 1, ` ${guard}`);
      else {
        out.appendRight(node.body.start, `{ ${guard} `);
        out.appendLeft(node.body.end, ' }');
      }
    },
  });
  return out.toString();
}

/**
 * Instruments modules together: names are matched across all of them. With `everyAccess` plain accesses are scheduling
 * points as well, not only race-checked. Throws SyntaxError.
 */
export function instrument(sources: readonly SourceModule[], everyAccess = false): Instrumented {
  const modules = sources.map(({ name, source }) => ({ name, source: guardLoops(source) }));
  const trees = modules.map((module) => ({
    module,
    tree: parse(module.source, { ecmaVersion: 2023, sourceType: 'module' }) as Node,
  }));
  const definitions = trees.flatMap(({ module, tree }) => definitionsOf(module, tree));
  const marks = touching(definitions);
  const sites: Site[] = [];
  const bodies = new Map<string, string>();
  for (const { module, tree } of trees) {
    const own = definitions.filter((d) => d.module === module.name);
    bodies.set(module.name, rewriteModule(module, tree, own, marks, sites, everyAccess));
  }
  return { bodies, sites };
}

function rewriteModule(
  module: SourceModule,
  tree: Node,
  definitions: Definition[],
  marks: { calls: Set<string>; getters: Set<string> },
  sites: Site[],
  everyAccess: boolean,
): string {
  const out = new MagicString(module.source);
  for (const definition of definitions) {
    const { name, node, getter, isConstructor } = definition;
    if (isConstructor || !(getter ? marks.getters : marks.calls).has(name)) continue;
    out.appendLeft(node.end, `\n${twin(module, definition, marks, sites, everyAccess)}`);
  }
  const exported: string[] = [];
  for (const top of tree.body) rewriteTop(out, top, exported, module.name);
  const twins = exported.map((name) => `typeof ${name}$ === 'undefined' ? undefined : ${name}$`);
  const assignments = exported.map(
    (name, i) => `$exports.${name} = ${name}; $exports.${name}$ = ${twins[i]};`,
  );
  return `'use strict';\n${out.toString()}\n${assignments.join('\n')}\n`;
}

function rewriteTop(out: MagicString, top: Node, exported: string[], module: string): void {
  const path = (source: string) => JSON.stringify(resolve(module, source));
  if (top.type === 'ImportDeclaration') {
    const names = top.specifiers.map((s: Node) => ({
      from: s.imported.name as string,
      to: s.local.name as string,
    }));
    const plain = names.map((n: { from: string; to: string }) => `${n.from}: ${n.to}, ${n.from}$: ${n.to}$`);
    out.overwrite(top.start, top.end, `const { ${plain.join(', ')} } = $import(${path(top.source.value)});`);
  } else if (top.type === 'ExportNamedDeclaration') {
    if (top.source) {
      const lines = top.specifiers.map(
        (s: Node) => `$exports.${s.exported.name} = $import(${path(top.source.value)}).${s.local.name};`,
      );
      out.overwrite(top.start, top.end, lines.join(' '));
    } else if (top.declaration) {
      out.remove(top.start, top.declaration.start);
      const { declaration } = top;
      if (declaration.type === 'VariableDeclaration') {
        for (const d of declaration.declarations) exported.push(d.id.name);
      } else exported.push(declaration.id.name);
    } else {
      for (const s of top.specifiers) exported.push(s.local.name);
      out.remove(top.start, top.end);
    }
  }
}

/** `./ring.js` in `channel/party.js` is `channel/ring.js`. */
export function resolve(from: string, specifier: string): string {
  const parts = from.split('/').slice(0, -1);
  for (const part of specifier.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '.') parts.push(part);
  }
  return parts.join('/');
}

/** The generator twin of one function or method, as source text. */
function twin(
  module: SourceModule,
  definition: Definition,
  marks: { calls: Set<string>; getters: Set<string> },
  sites: Site[],
  everyAccess: boolean,
): string {
  const read = everyAccess ? '(yield $.pr(' : '$.r(';
  const write = everyAccess ? '(yield $.pw(' : '$.w(';
  const close = everyAccess ? '))' : ')';
  const { node, name } = definition;
  const text = module.source.slice(node.start, node.end);
  const local = new MagicString(text);
  const shift = node.start;
  const at = (position: number) => position - shift;
  const src = (n: Node) => local.slice(at(n.start), at(n.end));
  const used = new Map<string, number>();
  const site = (kind: string, index: Node | undefined): number => {
    const base = `${name.replace('#', '')}:${index ? indexName(index, module.source) : kind}`;
    const count = (used.get(base) ?? 0) + 1;
    used.set(base, count);
    sites.push({ label: count === 1 ? base : `${base}#${count}`, kind, file: module.name });
    return sites.length - 1;
  };
  const fn = node.type === 'MethodDefinition' ? node.value : node;
  const skip = new Set<Node>();
  walk(fn.body, {
    enter(child: Node) {
      if (child.type === 'ArrowFunctionExpression' || child.type === 'FunctionExpression') {
        let touches = false;
        walk(child.body, {
          enter(inner: Node) {
            const called = calledName(inner);
            if (isAtomics(inner) || isSharedIndex(inner) || isBulk(inner)) touches = true;
            if (called !== undefined && marks.calls.has(called) && !BUILT_IN.has(called)) touches = true;
          },
        });
        if (touches) throw new Error(`${module.name}: ${name} touches shared memory in a nested function`);
        this.skip();
      }
    },
    leave(child: Node, parent: Node) {
      if (skip.has(child)) return;
      if (isAtomics(child)) {
        const op = child.callee.property.name;
        const id = site(op, child.arguments[1]);
        const args = child.arguments.map(src).join(', ');
        local.overwrite(at(child.start), at(child.end), `(yield $.${op}(${id}, ${args}))`);
      } else if (isBulk(child)) {
        const op = child.callee.property.name;
        if (op === 'subarray') return;
        const id = site(op, undefined);
        const args = [src(child.callee.object), ...child.arguments.map(src)].join(', ');
        local.overwrite(at(child.start), at(child.end), `$.${op}(${id}, ${args})`);
      } else if (isSharedIndex(child)) {
        if (parent?.type === 'AssignmentExpression' && parent.left === child) return;
        if (parent?.type === 'UpdateExpression') {
          const id = site('w', child.property);
          const [a, i] = [src(child.object), src(child.property)];
          const step = parent.operator === '++' ? '+ 1' : '- 1';
          if (!parent.prefix) throw new Error(`${module.name}: ${name}: postfix update of shared memory`);
          skip.add(parent);
          local.overwrite(
            at(parent.start),
            at(parent.end),
            `${write}${id}, ${a}, ${i}, ${read}${id}, ${a}, ${i}${close} ${step}${close}`,
          );
          return;
        }
        const id = site('r', child.property);
        local.overwrite(
          at(child.start),
          at(child.end),
          `${read}${id}, ${src(child.object)}, ${src(child.property)}${close}`,
        );
      } else if (child.type === 'AssignmentExpression' && isSharedIndex(child.left)) {
        const id = site('w', child.left.property);
        const [a, i] = [src(child.left.object), src(child.left.property)];
        const value =
          child.operator === '='
            ? src(child.right)
            : `${read}${id}, ${a}, ${i}${close} ${child.operator.slice(0, -1)} (${src(child.right)})`;
        local.overwrite(at(child.start), at(child.end), `${write}${id}, ${a}, ${i}, ${value}${close}`);
      } else if (child.type === 'CallExpression') rewriteCall(child);
      else if (
        child.type === 'MemberExpression' &&
        !child.computed &&
        marks.getters.has(propertyName(child.property)) &&
        !(parent?.type === 'CallExpression' && parent.callee === child)
      ) {
        local.overwrite(at(child.start), at(child.end), `(yield* ${src(child)}$())`);
      }
    },
  });
  function rewriteCall(call: Node): void {
    const called = calledName(call);
    if (called === undefined || !marks.calls.has(called) || call.callee.object?.type === 'Super') return;
    const args = call.arguments.map(src).join(', ');
    const callee = src(call.callee);
    const next =
      BUILT_IN.has(called) && call.callee.type === 'MemberExpression'
        ? `(${callee}$ ? yield* ${callee}$(${args}) : ${callee}(${args}))`
        : `(yield* ${callee}$(${args}))`;
    local.overwrite(at(call.start), at(call.end), next);
  }
  const params = text.slice(
    at(fn.params[0]?.start ?? fn.body.start),
    at(fn.params.at(-1)?.end ?? fn.body.start),
  );
  const body = local.slice(at(fn.body.start), at(fn.body.end));
  const list = fn.params.length > 0 ? params : '';
  return node.type === 'MethodDefinition'
    ? `*${name}$(${list}) ${body}`
    : `function* ${name}$(${list}) ${body}`;
}

/** What an index is called in labels: the last capitalised name in it, or its text. */
function indexName(node: Node, source: string): string {
  const text = source.slice(node.start, node.end);
  const names = text.match(/\b[A-Z][A-Z0-9_]+\b/g);
  return names?.at(-1) ?? /[a-z]\w*/i.exec(text.replaceAll('this.', ''))?.[0] ?? '?';
}
