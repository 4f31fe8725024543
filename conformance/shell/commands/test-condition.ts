// `test` and `[`: conditions on strings, numbers and the script's files.

import { type BuiltIn, badArguments, type CommandContext } from '../command.js';

export const test: BuiltIn = (context) => (condition(context, [...context.args]) ? 0 : 1);

export const bracket: BuiltIn = (context) => {
  const args = [...context.args];
  if (args.pop() !== ']') throw badArguments(context, "']' is missing");
  return condition(context, args) ? 0 : 1;
};

function condition(context: CommandContext, args: string[]): boolean {
  if (args.length === 0) return false;
  if (args[0] === '!') return !condition(context, args.slice(1));
  const [a, operator, b] = args;
  if (args.length === 1) return a !== '';
  if (args.length === 2) return unary(context, a!, operator!);
  if (args.length === 3) return binary(context, a!, operator!, b!);
  throw badArguments(context, 'only one condition at a time is supported');
}

function unary(context: CommandContext, operator: string, operand: string): boolean {
  switch (operator) {
    case '-n':
      return operand !== '';
    case '-z':
      return operand === '';
    case '-d':
      return context.files.isDirectory(operand);
    case '-e':
      return context.files.isDirectory(operand) || context.readFile(operand) !== null;
    case '-f':
    case '-r':
    case '-w':
    case '-x':
      return context.readFile(operand) !== null;
    case '-s':
      return (context.readFile(operand) ?? '') !== '';
    default:
      throw badArguments(context, `condition '${operator}' is not supported`);
  }
}

function binary(context: CommandContext, a: string, operator: string, b: string): boolean {
  switch (operator) {
    case '=':
    case '==':
      return a === b;
    case '!=':
      return a !== b;
    default:
  }
  const numbers = [a, b].map((text) => {
    if (!/^\s*[-+]?[0-9]+\s*$/.test(text)) throw badArguments(context, `'${text}' is no number`);
    return Number(text);
  });
  const [x, y] = numbers as [number, number];
  switch (operator) {
    case '-eq':
      return x === y;
    case '-ne':
      return x !== y;
    case '-lt':
      return x < y;
    case '-le':
      return x <= y;
    case '-gt':
      return x > y;
    case '-ge':
      return x >= y;
    default:
      throw badArguments(context, `condition '${operator}' is not supported`);
  }
}
