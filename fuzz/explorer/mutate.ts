// Every way to break the order of the shipped code that the explorer must notice: each atomic operation made plain, each
// ordering-relevant line removed, each such line swapped with its neighbour. It must never judge: killing is the models'.

import { parse } from 'acorn';
import { walk } from 'estree-walker';
import { type Edit, INSTRUMENTED, sourceOf } from './load.js';
import { SHARED_NAMES } from './transform.js';

// biome-ignore lint/suspicious/noExplicitAny: syntax tree nodes of many shapes
type Node = any;

export interface Mutant {
  /** Stable as long as the function keeps its lines: `ring.publish remove TAIL`. */
  id: string;
  module: string;
  edits: Edit[];
  /** The line as it was, and what became of it. */
  before: string;
  after: string;
}

/**
 * Functions that only the control thread's set-up runs, before any other thread knows the memory (or, for `force`,
 * nothing but shutting down), or after all who knew it have died or let go, and statistics. Unit tests hold those.
 */
const SET_UP = new Set([
  'constructor',
  'initRing',
  'claim',
  'freeProducer',
  'freeConsumer',
  'create',
  'attach',
  'addParty',
  '#addReturn',
  'share',
  'renewParty',
  '#free',
  'detach',
  'allocBuckets',
  'open',
  'close',
  'regionOf',
  'register',
  'unregister',
  'addReader',
  'removeReader',
  'reader',
  'stats',
  '#publish',
  '#put',
  'count',
  'drops',
  'countDrop',
  'countOverQuota',
  'poison',
  'checkPoison',
  'releaseSite',
  'copyMeta',
  'reclaim',
  'openAway',
  'openHome',
  'parties',
  '#check',
  'channel.free',
  'waitAsync',
  'spin',
  'setDefault',
  'defaultChannel',
  'setAddresses',
  'addresses',
  'findListener',
  'findBatch',
  'abandon',
  'freeBuckets',
]);

function isAtomics(node: Node): boolean {
  return (
    node.type === 'CallExpression' &&
    node.callee.object?.type === 'Identifier' &&
    node.callee.object.name === 'Atomics'
  );
}

function isSharedIndex(node: Node): boolean {
  if (node.type !== 'MemberExpression' || !node.computed) return false;
  const { object } = node;
  const name = object.type === 'Identifier' ? object.name : object.property?.name;
  return SHARED_NAMES.has(name);
}

/** Calls that publish, release or announce: their place matters as much as an atomic's. */
const ORDERING = new Set([
  'publish',
  'release',
  'releasedBuffers',
  'flush',
  'adopt',
  'online',
  'quiescent',
  'offline',
  'begin',
  'retire',
  'linkNode',
  'unlinkNode',
  'mendInserted',
  'mendRemoved',
  'fillNode',
  'splitHeads',
  'cutChain',
  'joinChains',
  'copyChain',
  'freeChain',
  'copy',
  'ring',
  'force',
  'keep',
  'untake',
]);

/** What a statement does to shared memory, at most: synchronise, write plainly, read plainly, nothing. */
type Effect = 'sync' | 'write' | 'read' | 'none';

function effect(node: Node): Effect {
  let sync = false;
  let write = false;
  let read = false;
  walk(node, {
    enter(child: Node) {
      if (isAtomics(child)) sync = true;
      if (isSharedIndex(child)) read = true;
      if (child.type === 'AssignmentExpression' && isSharedIndex(child.left)) write = true;
      if (child.type !== 'CallExpression') return;
      const name = child.callee.type === 'Identifier' ? child.callee.name : child.callee.property?.name;
      if (child.callee.property?.type !== 'PrivateIdentifier' && ORDERING.has(name)) sync = true;
    },
  });
  return sync ? 'sync' : write ? 'write' : read ? 'read' : 'none';
}

function nameOf(text: string): string {
  const caps = text.match(/\b[A-Z][A-Z0-9_]+\b/g);
  return (
    caps?.at(-1) ?? /[a-z]\w*/i.exec(text.replaceAll('this.', '').replaceAll('Atomics.', ''))?.[0] ?? '?'
  );
}

/** All mutants of the instrumented modules. */
export function mutants(): Mutant[] {
  return INSTRUMENTED.flatMap(mutantsOf);
}

function mutantsOf(module: string): Mutant[] {
  const source = sourceOf(module);
  const tree = parse(source, { ecmaVersion: 2023, sourceType: 'module' }) as Node;
  const found: Mutant[] = [];
  const counts = new Map<string, number>();
  const short = module.replace(/^.*\//, '').replace('.js', '');
  let fn = '';
  const text = (node: Node): string => source.slice(node.start, node.end);
  const one = (t: string): string => t.replace(/\s+/g, ' ').trim();
  const add = (how: string, node: Node, replacement: string, what: string, edits?: Edit[]): void => {
    const base = `${short}.${fn} ${how} ${what}`;
    const n = (counts.get(base) ?? 0) + 1;
    counts.set(base, n);
    found.push({
      id: n === 1 ? base : `${base}#${n}`,
      module,
      edits: edits ?? [{ module, start: node.start, end: node.end, text: replacement }],
      before: one(text(node)),
      after: one(replacement) || '(nothing)',
    });
  };
  const weaken = (call: Node): void => {
    const [array, index, value] = call.arguments.map(text);
    const op = call.callee.property.name;
    const place = `${array}[${index}]`;
    if (op === 'load') add('weaken', call, place, nameOf(index));
    else if (op === 'store') add('weaken', call, `(${place} = ${value})`, nameOf(index));
    else if (op === 'add') add('weaken', call, `(${place} = ${place} + ${value})`, nameOf(index));
    else if (op === 'notify') add('drop', call, '0', nameOf(index));
  };
  const block = (statements: Node[]): void => {
    for (let i = 0; i < statements.length; i++) {
      const a = statements[i];
      const ours = effect(a);
      if (a.type === 'ExpressionStatement') {
        // `alloc` resets metadata, which unit tests hold; no order hangs on it.
        if (ours === 'sync' || (ours === 'write' && fn !== 'alloc')) add('remove', a, ';', nameOf(text(a)));
      }
      if (a.type === 'IfStatement' && !a.alternate && effect(a.test) === 'sync') {
        add('unguard', a, ';', nameOf(text(a.test)));
      }
      const b = statements[i + 1];
      if (!b) continue;
      const theirs = effect(b);
      const movable = (s: Node) => s.type === 'ExpressionStatement' || s.type === 'IfStatement';
      // Plain accesses without a synchronising one between them commute for every other thread.
      const matters = ours !== 'none' && theirs !== 'none' && (ours === 'sync' || theirs === 'sync');
      if (movable(a) && movable(b) && matters) {
        const whole = { start: a.start, end: b.end };
        add('swap', whole, `${text(b)} ${text(a)}`, `${nameOf(text(a))}/${nameOf(text(b))}`);
      }
      if (movable(a) && b.type === 'ReturnStatement' && b.argument && matters) {
        add(
          'defer',
          { start: a.start, end: b.end },
          `const $v = ${text(b.argument)}; ${text(a)} return $v;`,
          nameOf(text(a)),
        );
      }
    }
  };
  walk(tree, {
    enter(node: Node) {
      if (node.type === 'FunctionDeclaration') fn = node.id.name;
      if (node.type === 'MethodDefinition') {
        fn = node.static ? 'create' : node.kind === 'constructor' ? 'constructor' : node.key.name;
        if (node.key.type === 'PrivateIdentifier') fn = `#${node.key.name}`;
      }
      if (node.type === 'PropertyDefinition') this.skip();
      if (fn === '' || SET_UP.has(fn) || SET_UP.has(`${short}.${fn}`)) return;
      if (isAtomics(node)) weaken(node);
      if (node.type === 'BlockStatement') block(node.body);
    },
  });
  return found;
}
