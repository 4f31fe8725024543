// Values of snippets and what can be done with them, by Python's rules: integers of any size, floor division,
// `%` for remainders and for formats, truth of values.

import type { BinaryOperator, ComparisonOperator } from './syntax.js';

/** An int is a bigint, a float a number. */
export type Value = bigint | number | string | boolean | null | readonly Value[];

/** What an operation refuses; the evaluator adds the place. */
export class OperationError extends Error {
  override readonly name = 'OperationError';
  readonly code: 'TYPE' | 'VALUE';

  constructor(code: 'TYPE' | 'VALUE', message: string) {
    super(message);
    this.code = code;
  }
}

/** Integers longer than this are refused, so that a script cannot eat the machine. */
const MAX_BITS = 4096n;
const MAX_TEXT = 65_536;

export function typeName(value: Value): string {
  if (value === null) return 'None';
  if (typeof value === 'bigint') return 'int';
  if (typeof value === 'number') return 'float';
  if (typeof value === 'boolean') return 'bool';
  return typeof value === 'string' ? 'str' : 'tuple';
}

export function isTrue(value: Value): boolean {
  if (typeof value === 'bigint') return value !== 0n;
  if (typeof value === 'number') return value !== 0;
  if (typeof value === 'string') return value !== '';
  if (typeof value === 'boolean') return value;
  return value !== null && value.length > 0;
}

/** As `str` shows it. */
export function toText(value: Value): string {
  return typeof value === 'string' ? value : toRepresentation(value);
}

/** As `repr` shows it. */
export function toRepresentation(value: Value): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number') return floatText(value);
  if (typeof value === 'string') return `'${value.replace(/[\\']/g, '\\$&').replace(/\n/g, '\\n')}'`;
  return `(${value.map(toRepresentation).join(', ')}${value.length === 1 ? ',' : ''})`;
}

function floatText(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (Number.isInteger(value) && Math.abs(value) < 1e16) return `${value}.0`;
  return String(value).replace(/e([+-])(\d)$/, 'e$10$2');
}

/** Bools count as 0 and 1. */
function asNumber(value: Value): bigint | number | null {
  if (typeof value === 'boolean') return value ? 1n : 0n;
  return typeof value === 'bigint' || typeof value === 'number' ? value : null;
}

function refuse(operator: string, left: Value, right: Value): never {
  throw new OperationError(
    'TYPE',
    `'${operator}' does not work between ${typeName(left)} and ${typeName(right)}`,
  );
}

export function binary(operator: BinaryOperator, left: Value, right: Value): Value {
  if (typeof left === 'string') {
    if (operator === '%') return formatText(left, right);
    if (operator === '+' && typeof right === 'string') return bounded(left + right);
  }
  const a = asNumber(left);
  const b = asNumber(right);
  if (operator === '*') {
    if (typeof left === 'string' && typeof b === 'bigint') return repeated(left, b);
    if (typeof right === 'string' && typeof a === 'bigint') return repeated(right, a);
  }
  if (a === null || b === null) return refuse(operator, left, right);
  if (typeof a === 'bigint' && typeof b === 'bigint') return integerOperation(operator, a, b);
  return floatOperation(operator, Number(a), Number(b), () => refuse(operator, left, right));
}

function bounded(text: string): string {
  if (text.length > MAX_TEXT) throw new OperationError('VALUE', 'the string is too long');
  return text;
}

function repeated(text: string, count: bigint): string {
  if (count <= 0n || text === '') return '';
  if (BigInt(text.length) * count > BigInt(MAX_TEXT))
    throw new OperationError('VALUE', 'the string is too long');
  return text.repeat(Number(count));
}

function integerOperation(operator: BinaryOperator, a: bigint, b: bigint): Value {
  switch (operator) {
    case '+':
      return checked(a + b);
    case '-':
      return checked(a - b);
    case '*':
      return checked(a * b);
    case '&':
      return a & b;
    case '|':
      return a | b;
    case '^':
      return a ^ b;
    case '/':
      if (b === 0n) throw new OperationError('VALUE', 'division by zero');
      return Number(a) / Number(b);
    case '//':
      return floorDivide(a, b);
    case '%':
      return a - b * floorDivide(a, b);
    case '<<':
    case '>>':
      if (b < 0n || b > MAX_BITS) throw new OperationError('VALUE', `shift by ${b} is out of range`);
      return operator === '<<' ? checked(a << b) : a >> b;
    case '**':
      if (b < 0n) return Number(a) ** Number(b);
      if (b * BigInt(bitLength(a)) > MAX_BITS) throw new OperationError('VALUE', 'the number is too large');
      return checked(a ** b);
  }
}

function bitLength(value: bigint): number {
  return (value < 0n ? -value : value).toString(16).length * 4;
}

function checked(value: bigint): bigint {
  if (BigInt(bitLength(value)) > 2n * MAX_BITS) throw new OperationError('VALUE', 'the number is too large');
  return value;
}

/** Rounds towards minus infinity, as Python does and C does not. */
function floorDivide(a: bigint, b: bigint): bigint {
  if (b === 0n) throw new OperationError('VALUE', 'division by zero');
  const quotient = a / b;
  return a % b !== 0n && a < 0n !== b < 0n ? quotient - 1n : quotient;
}

function floatOperation(operator: BinaryOperator, a: number, b: number, refused: () => never): number {
  if (b === 0 && (operator === '/' || operator === '//' || operator === '%')) {
    throw new OperationError('VALUE', 'division by zero');
  }
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      return a / b;
    case '//':
      return Math.floor(a / b);
    case '%':
      return a - b * Math.floor(a / b);
    case '**':
      return a ** b;
    default:
      return refused();
  }
}

export function unary(operator: '-' | '+' | '~', operand: Value): Value {
  const value = asNumber(operand);
  if (value === null || (operator === '~' && typeof value === 'number')) {
    throw new OperationError('TYPE', `'${operator}' does not work on ${typeName(operand)}`);
  }
  if (operator === '+') return value;
  if (operator === '-') return -value;
  return ~(value as bigint);
}

export function compare(operator: ComparisonOperator, left: Value, right: Value): boolean {
  switch (operator) {
    case '==':
    case 'is':
      return equal(left, right);
    case '!=':
    case 'is not':
      return !equal(left, right);
    case 'in':
      return contains(left, right);
    case 'not in':
      return !contains(left, right);
    default: {
      const order = compareOrder(operator, left, right);
      return operator === '<'
        ? order < 0
        : operator === '<='
          ? order <= 0
          : operator === '>'
            ? order > 0
            : order >= 0;
    }
  }
}

function equal(left: Value, right: Value): boolean {
  const a = asNumber(left);
  const b = asNumber(right);
  // biome-ignore lint/suspicious/noDoubleEquals: a bigint and a number of the same value must be equal
  if (a !== null && b !== null) return a == b;
  if (Array.isArray(left) && Array.isArray(right)) {
    return left.length === right.length && left.every((item, i) => equal(item, right[i]!));
  }
  return left === right;
}

function contains(item: Value, container: Value): boolean {
  if (Array.isArray(container)) return container.some((member) => equal(member, item));
  if (typeof container === 'string' && typeof item === 'string') return container.includes(item);
  return refuse('in', item, container);
}

function compareOrder(operator: string, left: Value, right: Value): number {
  const a = asNumber(left) ?? left;
  const b = asNumber(right) ?? right;
  const numbers = asNumber(left) !== null && asNumber(right) !== null;
  if (!numbers && !(typeof a === 'string' && typeof b === 'string')) return refuse(operator, left, right);
  return a! < b! ? -1 : a! > b! ? 1 : 0;
}

const FORMAT = /%(?:(%)|([-+ 0#]*)(\d*)(?:\.(\d+))?([a-zA-Z]))/g;

/** `text % values` */
export function formatText(text: string, values: Value): string {
  const list = Array.isArray(values) ? (values as readonly Value[]) : [values as Value];
  let next = 0;
  const result = text.replace(
    FORMAT,
    (_whole, percent, flags: string, width: string, precision, letter: string) => {
      if (percent !== undefined) return '%';
      if (next >= list.length) throw new OperationError('TYPE', 'not enough values for the format string');
      const body = formatOne(
        letter,
        list[next++]!,
        precision === undefined ? null : Number(precision),
        flags,
      );
      if (Number(width) > 1000) throw new OperationError('VALUE', 'the width in the format is too large');
      if (flags.includes('-')) return body.padEnd(Number(width));
      if (!flags.includes('0') || letter === 's') return body.padStart(Number(width));
      const sign = /^[-+ ]/.exec(body)?.[0] ?? '';
      return sign + body.slice(sign.length).padStart(Number(width) - sign.length, '0');
    },
  );
  if (next < list.length) throw new OperationError('TYPE', 'not all values are used by the format string');
  return bounded(result);
}

function formatOne(letter: string, value: Value, precision: number | null, flags: string): string {
  if (letter === 's') return toText(value).slice(0, precision ?? undefined);
  if (letter === 'r') return toRepresentation(value);
  const number = asNumber(value);
  if (number === null) throw new OperationError('TYPE', `%${letter} needs a number, not ${typeName(value)}`);
  const plus = flags.includes('+') && number >= 0 ? '+' : '';
  switch (letter) {
    case 'd':
    case 'i':
    case 'u':
      return plus + (typeof number === 'bigint' ? number : BigInt(Math.trunc(number))).toString();
    case 'x':
    case 'X':
    case 'o': {
      if (typeof number !== 'bigint') throw new OperationError('TYPE', `%${letter} needs an int, not float`);
      const digits = number.toString(letter === 'o' ? 8 : 16);
      const prefixed = flags.includes('#') ? digits.replace(/^-?/, `$&0${letter.toLowerCase()}`) : digits;
      return plus + (letter === 'X' ? prefixed.toUpperCase() : prefixed);
    }
    case 'f':
    case 'F':
      return plus + fixed(Number(number), precision ?? 6);
    case 'e':
      return (
        plus +
        Number(number)
          .toExponential(precision ?? 6)
          .replace(/e([+-])(\d)$/, 'e$10$2')
      );
    case 'g':
      return plus + String(Number(Number(number).toPrecision(precision ?? 6)));
    default:
      throw new OperationError('VALUE', `unknown format %${letter}`);
  }
}

/** Decimals as Python rounds them: an exact half goes to the even digit, where toFixed goes up. */
function fixed(value: number, decimals: number): string {
  if (decimals > 100) throw new OperationError('VALUE', 'the precision in the format is too large');
  const scaled = Math.abs(value) * 10 ** decimals;
  const down = Math.floor(scaled);
  const tie = decimals < 16 && scaled < 2 ** 52 && scaled - down === 0.5 && down % 2 === 0;
  // Only halves of powers of two are exact, so that this division gives the very decimal below.
  return tie && scaled / 10 ** decimals === Math.abs(value)
    ? `${value < 0 ? '-' : ''}${(down / 10 ** decimals).toFixed(decimals)}`
    : value.toFixed(decimals);
}
