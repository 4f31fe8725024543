// Expressions of a snippet, in Python's order of precedence.

import { KEYWORDS, type TokenWalk } from './parser.js';
import type { BinaryOperator, ComparisonOperator, Expression } from './syntax.js';

/** Deeper nesting than this is refused, so that no script can exhaust our stack. */
const MAX_DEPTH = 100;
const depths = new WeakMap<TokenWalk, number>();

/** Expressions with commas make a tuple, as on the right of an assignment. */
export function parseTuple(walk: TokenWalk): Expression {
  const { start } = walk.ahead;
  const first = parseExpression(walk);
  if (!walk.is(',')) return first;
  const items = [first];
  while (walk.accept(',')) {
    if (walk.ahead.kind === 'newline' || walk.is(')') || walk.is(';')) break;
    items.push(parseExpression(walk));
  }
  return { kind: 'tuple', items, start, end: walk.lastEnd };
}

export function parseExpression(walk: TokenWalk): Expression {
  const depth = (depths.get(walk) ?? 0) + 1;
  if (depth > MAX_DEPTH) {
    const { start, end } = walk.ahead;
    throw walk.snippet.error('UNSUPPORTED', 'the expression is nested too deeply', start, end);
  }
  depths.set(walk, depth);
  const { start } = walk.ahead;
  let result = parseOr(walk);
  if (walk.accept('if')) {
    const condition = parseOr(walk);
    walk.expect('else');
    const whenFalse = parseExpression(walk);
    result = { kind: 'conditional', condition, whenTrue: result, whenFalse, start, end: walk.lastEnd };
  }
  depths.set(walk, depth - 1);
  return result;
}

function parseOr(walk: TokenWalk): Expression {
  return parseLogical(walk, 'or', (inner) => parseLogical(inner, 'and', parseNot));
}

function parseLogical(
  walk: TokenWalk,
  operator: 'and' | 'or',
  parseOperand: (walk: TokenWalk) => Expression,
): Expression {
  const { start } = walk.ahead;
  const operands = [parseOperand(walk)];
  while (walk.accept(operator)) operands.push(parseOperand(walk));
  if (operands.length === 1) return operands[0]!;
  return { kind: 'logical', operator, operands, start, end: walk.lastEnd };
}

function parseNot(walk: TokenWalk): Expression {
  const { start } = walk.ahead;
  let count = 0;
  while (walk.accept('not')) count++;
  let result = parseComparison(walk);
  for (; count > 0; count--) {
    result = { kind: 'unary', operator: 'not', operand: result, start, end: walk.lastEnd };
  }
  return result;
}

const COMPARISONS = new Set(['==', '!=', '<', '<=', '>', '>=', 'in', 'is', 'not']);

function parseComparison(walk: TokenWalk): Expression {
  const { start } = walk.ahead;
  const first = parseBinary(walk, 0);
  const rest: { operator: ComparisonOperator; operand: Expression }[] = [];
  while ((walk.ahead.kind === 'sign' || walk.ahead.kind === 'name') && COMPARISONS.has(walk.ahead.text)) {
    let operator = walk.take().text;
    if (operator === 'not') {
      walk.expect('in');
      operator = 'not in';
    } else if (operator === 'is' && walk.accept('not')) operator = 'is not';
    rest.push({ operator: operator as ComparisonOperator, operand: parseBinary(walk, 0) });
  }
  return rest.length === 0 ? first : { kind: 'comparison', first, rest, start, end: walk.lastEnd };
}

/** From loosest to tightest; all group from the left. */
const LEVELS: readonly (readonly BinaryOperator[])[] = [
  ['|'],
  ['^'],
  ['&'],
  ['<<', '>>'],
  ['+', '-'],
  ['*', '/', '//', '%'],
];

function parseBinary(walk: TokenWalk, level: number): Expression {
  const operators = LEVELS[level];
  if (operators === undefined) return parseUnary(walk);
  const { start } = walk.ahead;
  let left = parseBinary(walk, level + 1);
  while (walk.ahead.kind === 'sign' && (operators as readonly string[]).includes(walk.ahead.text)) {
    const operator = walk.take().text as BinaryOperator;
    const right = parseBinary(walk, level + 1);
    left = { kind: 'binary', operator, left, right, start, end: walk.lastEnd };
  }
  return left;
}

function parseUnary(walk: TokenWalk): Expression {
  const { start } = walk.ahead;
  const signs: ('-' | '+' | '~')[] = [];
  while (walk.is('-') || walk.is('+') || walk.is('~')) signs.push(walk.take().text as '-' | '+' | '~');
  let result = parsePower(walk);
  for (const operator of signs.reverse()) {
    result = { kind: 'unary', operator, operand: result, start, end: walk.lastEnd };
  }
  return result;
}

function parsePower(walk: TokenWalk): Expression {
  const { start } = walk.ahead;
  const left = parseAtom(walk);
  if (!walk.accept('**')) return left;
  const right = parseUnary(walk);
  return { kind: 'binary', operator: '**', left, right, start, end: walk.lastEnd };
}

function parseAtom(walk: TokenWalk): Expression {
  const token = walk.ahead;
  const { start, end } = token;
  switch (token.kind) {
    case 'int':
      walk.take();
      if (/^0[0-9]/.test(token.text) && !/^0+$/.test(token.text)) {
        throw walk.snippet.error('SYNTAX', `leading zeros in '${token.text}'`, start, end);
      }
      return { kind: 'int', value: BigInt(token.text.replace(/_/g, '')), start, end };
    case 'float':
      walk.take();
      return { kind: 'float', value: Number(token.text.replace(/_/g, '')), start, end };
    case 'string': {
      let value = '';
      while (walk.ahead.kind === 'string') value += walk.take().text;
      return { kind: 'string', value, start, end: walk.lastEnd };
    }
    case 'name':
      return parseName(walk);
    default:
  }
  if (walk.is('[') || walk.is('{'))
    throw walk.snippet.error('UNSUPPORTED', 'lists are not supported', start, end);
  if (!walk.accept('(')) throw walk.unexpected('an expression');
  if (walk.accept(')')) return { kind: 'tuple', items: [], start, end: walk.lastEnd };
  const inner = parseTuple(walk);
  walk.expect(')');
  return { ...inner, start, end: walk.lastEnd };
}

function parseName(walk: TokenWalk): Expression {
  const { text, start, end } = walk.ahead;
  const constants: Readonly<Record<string, boolean | null>> = { True: true, False: false, None: null };
  if (Object.hasOwn(constants, text)) {
    walk.take();
    return { kind: 'constant', value: constants[text]!, start, end };
  }
  if (KEYWORDS.has(text)) throw walk.unexpected('an expression');
  walk.take();
  if (walk.is('.') || walk.is('[')) {
    const what = walk.is('.') ? 'members' : 'subscripts';
    throw walk.snippet.error('UNSUPPORTED', `${what} are not supported`, walk.ahead.start, walk.ahead.end);
  }
  if (!walk.accept('(')) return { kind: 'name', name: text, start, end };
  const args: Expression[] = [];
  while (!walk.is(')')) {
    args.push(parseExpression(walk));
    if (!walk.accept(',')) break;
  }
  walk.expect(')');
  return { kind: 'call', name: text, args, start, end: walk.lastEnd };
}
