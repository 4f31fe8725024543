// Walks a snippet's tree. Where names get their values is the caller's affair (`Scope`).

import { nearest } from '../language/suggest.js';
import { SnippetError } from './errors.js';
import type { SnippetText } from './snippet-text.js';
import type { Expression, Statement } from './syntax.js';
import {
  binary,
  compare,
  isTrue,
  OperationError,
  toRepresentation,
  toText,
  typeName,
  unary,
  type Value,
} from './values.js';

export interface Scope {
  /** The value of a name, undefined when it has none. */
  get(name: string): Value | undefined;
  set(name: string, value: Value): void;
  print(line: string): void;
  /** Names to guess from when one is unknown. */
  names(): Iterable<string>;
}

export function runStatements(statements: readonly Statement[], snippet: SnippetText, scope: Scope): void {
  for (const statement of statements) new Evaluator(snippet, scope).run(statement);
}

class Evaluator {
  private readonly snippet: SnippetText;
  private readonly scope: Scope;

  constructor(snippet: SnippetText, scope: Scope) {
    this.snippet = snippet;
    this.scope = scope;
  }

  run(statement: Statement): void {
    switch (statement.kind) {
      case 'assert':
        if (!isTrue(this.evaluate(statement.condition))) {
          throw this.assertionError(statement.condition, statement.message);
        }
        return;
      case 'assign': {
        const value = this.evaluate(statement.value);
        if (statement.operator === null) this.scope.set(statement.name, value);
        else {
          const { start } = statement;
          const old = this.name(statement.name, start, start + statement.name.length);
          const { operator } = statement;
          this.scope.set(
            statement.name,
            this.guard(statement, () => binary(operator, old, value)),
          );
        }
        return;
      }
      case 'expression':
        this.evaluate(statement.value);
        return;
      case 'if':
        for (const inner of isTrue(this.evaluate(statement.condition))
          ? statement.whenTrue
          : statement.whenFalse) {
          this.run(inner);
        }
        return;
      case 'pass':
    }
  }

  private evaluate(expression: Expression): Value {
    switch (expression.kind) {
      case 'int':
      case 'float':
      case 'string':
      case 'constant':
        return expression.value;
      case 'name':
        return this.name(expression.name, expression.start, expression.end);
      case 'tuple':
        return expression.items.map((item) => this.evaluate(item));
      case 'unary': {
        const value = this.evaluate(expression.operand);
        const { operator } = expression;
        return operator === 'not' ? !isTrue(value) : this.guard(expression, () => unary(operator, value));
      }
      case 'binary': {
        const left = this.evaluate(expression.left);
        const right = this.evaluate(expression.right);
        return this.guard(expression, () => binary(expression.operator, left, right));
      }
      case 'logical': {
        let value: Value = null;
        for (const operand of expression.operands) {
          value = this.evaluate(operand);
          if (isTrue(value) === (expression.operator === 'or')) break;
        }
        return value;
      }
      case 'comparison': {
        let left = this.evaluate(expression.first);
        for (const { operator, operand } of expression.rest) {
          const right = this.evaluate(operand);
          const from = left;
          if (!this.guard(expression, () => compare(operator, from, right))) return false;
          left = right;
        }
        return true;
      }
      case 'conditional':
        return this.evaluate(
          isTrue(this.evaluate(expression.condition)) ? expression.whenTrue : expression.whenFalse,
        );
      case 'call':
        return this.call(expression.name, expression.args, expression);
    }
  }

  private name(name: string, start: number, end: number): Value {
    const value = this.scope.get(name);
    if (value !== undefined) return value;
    const meant = nearest(name, this.scope.names());
    const hint = meant === null ? '' : `; did you mean '${meant}'?`;
    throw this.snippet.error('NAME', `name '${name}' has no value${hint}`, start, end);
  }

  /** Runs an operation on values and gives its refusal a place. */
  private guard<T>(place: { start: number; end: number }, operation: () => T): T {
    try {
      return operation();
    } catch (error) {
      if (error instanceof OperationError) {
        throw this.snippet.error(error.code, error.message, place.start, place.end);
      }
      throw error;
    }
  }

  private call(name: string, args: readonly Expression[], place: { start: number; end: number }): Value {
    const fail = (problem: string) => this.snippet.error('TYPE', problem, place.start, place.end);
    const values = args.map((arg) => this.evaluate(arg));
    switch (name) {
      case 'print':
        this.scope.print(values.map(toText).join(' '));
        return null;
      case 'str':
        return toText(values[0] ?? '');
      case 'int':
        if (typeof values[0] === 'number' && Number.isFinite(values[0])) return BigInt(Math.trunc(values[0]));
        if (typeof values[0] === 'boolean') return values[0] ? 1n : 0n;
        if (typeof values[0] === 'bigint') return values[0];
        throw fail('int() needs a number');
      case 'abs': {
        const value = values[0] ?? null;
        return this.guard(place, () => (compare('<', value, 0n) ? unary('-', value) : value));
      }
      case 'min':
      case 'max': {
        if (values.length === 0) throw fail(`${name}() needs values`);
        const sign = name === 'min' ? '<' : '>';
        return this.guard(place, () => values.reduce((a, b) => (compare(sign, b, a) ? b : a)));
      }
      case 'len':
        if (typeof values[0] === 'string' || Array.isArray(values[0])) return BigInt(values[0].length);
        throw fail(`len() does not work on ${typeName(values[0] ?? null)}`);
      default:
        throw this.snippet.error(
          'UNSUPPORTED',
          `function '${name}' is not supported`,
          place.start,
          place.end,
        );
    }
  }

  // ------------------------------------------------------------ assertions

  private assertionError(condition: Expression, message: Expression | null): SnippetError {
    const text = this.textOf(condition);
    const values = new Map<string, string>();
    this.collect(condition, values);
    return new SnippetError(
      'ASSERTION',
      `assertion failed: ${text}`,
      this.snippet.span(condition.start, condition.end),
      this.snippet.lineAt(condition.start),
      {
        condition: text,
        values: [...values],
        message: message === null ? null : toText(this.evaluate(message)),
      },
    );
  }

  private textOf(expression: Expression): string {
    return this.snippet.text.slice(expression.start, expression.end).replace(/\\?\s*\n\s*/g, ' ');
  }

  /** The sides of comparisons and the names within, with their values; literals speak for themselves. */
  private collect(expression: Expression, values: Map<string, string>): void {
    const note = (part: Expression) => {
      if (['int', 'float', 'string', 'constant'].includes(part.kind)) return;
      try {
        values.set(this.textOf(part), toRepresentation(this.evaluate(part)));
      } catch (error) {
        // What a short cut left out may not even have a value; the report does without.
        if (!(error instanceof SnippetError)) throw error;
      }
    };
    switch (expression.kind) {
      case 'name':
      case 'call':
        note(expression);
        return;
      case 'comparison':
        for (const side of [expression.first, ...expression.rest.map((part) => part.operand)]) {
          note(side);
          if (side.kind !== 'name') this.collect(side, values);
        }
        return;
      case 'logical':
        for (const operand of expression.operands) this.collect(operand, values);
        return;
      case 'binary':
        this.collect(expression.left, values);
        this.collect(expression.right, values);
        return;
      case 'unary':
        this.collect(expression.operand, values);
        return;
      case 'conditional':
        this.collect(expression.condition, values);
        return;
      default:
    }
  }
}
