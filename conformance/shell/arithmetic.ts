// `$((...))`: whole numbers with C's operators and rounding. Names are looked up as variables.

export class ArithmeticError extends Error {
  override readonly name = 'ArithmeticError';
}

const TOKEN =
  /\s*(0[xX][0-9a-fA-F]+|[0-9]+|[A-Za-z_][A-Za-z0-9_]*|\*\*|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%()<>!~&|^?:])/y;

/** From loosest to tightest. */
const LEVELS: readonly (readonly string[])[] = [
  ['||'],
  ['&&'],
  ['|'],
  ['^'],
  ['&'],
  ['==', '!='],
  ['<', '<=', '>', '>='],
  ['<<', '>>'],
  ['+', '-'],
  ['*', '/', '%'],
];

/** @throws ArithmeticError */
export function evaluateArithmetic(written: string, variable: (name: string) => string): bigint {
  // `$NAME` is replaced by its text before anything is computed, as in any shell; a bare NAME is a number.
  const text = written.replace(/\$(?:([A-Za-z_]\w*|[0-9#?])|\{([A-Za-z_]\w*|[0-9#?])\})/g, (_whole, a, b) =>
    variable(a ?? b),
  );
  const tokens: string[] = [];
  let at = 0;
  while (text.slice(at).trim() !== '') {
    TOKEN.lastIndex = at;
    const found = TOKEN.exec(text);
    if (found === null) throw new ArithmeticError(`cannot compute '${text.trim()}'`);
    tokens.push(found[1]!);
    at = TOKEN.lastIndex;
  }
  let next = 0;
  let depth = 0;

  const level = (index: number): bigint => {
    const operators = LEVELS[index];
    if (operators === undefined) return factor();
    let left = level(index + 1);
    while (next < tokens.length && operators.includes(tokens[next]!)) {
      const operator = tokens[next++]!;
      left = apply(operator, left, level(index + 1));
    }
    return BigInt.asIntN(64, left);
  };
  const factor = (): bigint => {
    if (++depth > 64) throw new ArithmeticError('nested too deeply');
    const token = tokens[next++];
    let value: bigint;
    if (token === '-') value = -factor();
    else if (token === '+') value = factor();
    else if (token === '~') value = ~factor();
    else if (token === '!') value = factor() === 0n ? 1n : 0n;
    else if (token === '(') {
      value = level(0);
      if (tokens[next++] !== ')') throw new ArithmeticError(`')' is missing in '${text.trim()}'`);
    } else if (token !== undefined && /^[0-9]/.test(token)) value = integer(token);
    else if (token !== undefined && /^[A-Za-z_]/.test(token)) {
      const content = variable(token).trim();
      if (!/^-?(?:0[xX][0-9a-fA-F]+|[0-9]+)?$/.test(content)) {
        throw new ArithmeticError(`'${token}' is '${content}', which is no number`);
      }
      value = content === '' ? 0n : content.startsWith('-') ? -integer(content.slice(1)) : integer(content);
    } else throw new ArithmeticError(`cannot compute '${text.trim()}'`);
    depth--;
    return value;
  };

  if (tokens.length === 0) return 0n;
  const result = level(0);
  if (next < tokens.length) throw new ArithmeticError(`unexpected '${tokens[next]}' in '${text.trim()}'`);
  return result;
}

/** A leading zero means octal, as in C. */
function integer(text: string): bigint {
  if (/^0[0-7]+$/.test(text)) return BigInt(`0o${text.slice(1)}`);
  return BigInt(text);
}

function apply(operator: string, a: bigint, b: bigint): bigint {
  const truth = (value: boolean) => (value ? 1n : 0n);
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
    case '%':
      if (b === 0n) throw new ArithmeticError('division by 0');
      return operator === '/' ? a / b : a % b;
    case '<<':
      return a << (b & 63n);
    case '>>':
      return a >> (b & 63n);
    case '&':
      return a & b;
    case '|':
      return a | b;
    case '^':
      return a ^ b;
    case '&&':
      return truth(a !== 0n && b !== 0n);
    case '||':
      return truth(a !== 0n || b !== 0n);
    case '==':
      return truth(a === b);
    case '!=':
      return truth(a !== b);
    case '<':
      return truth(a < b);
    case '<=':
      return truth(a <= b);
    case '>':
      return truth(a > b);
    case '>=':
      return truth(a >= b);
    default:
      throw new ArithmeticError(`'${operator}' is not supported`);
  }
}
