// JSON as the project's formatter would have it (biome.json), so that a filed failure can be committed as it is.

import type { Json } from './target.js';

/** `lineWidth` of biome.json. */
const LINE_WIDTH = 110;

/** The text of a file: the outermost object or array always takes a line for each of its members. */
export function formatJson(value: Json): string {
  return `${broken(value, '')}\n`;
}

/** @param before how much stands on the line already; @param after what follows: a comma or nothing */
function fitting(value: Json, indent: string, before: number, after: number): string {
  const flat = onOneLine(value);
  return before + flat.length + after <= LINE_WIDTH ? flat : broken(value, indent);
}

function scalar(value: null | boolean | number | string): string {
  const text = JSON.stringify(value);
  return typeof value === 'number' ? text.replace('e+', 'e') : text;
}

function onOneLine(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(onOneLine).join(', ')}]`;
  if (value === null || typeof value !== 'object') return scalar(value);
  const members = Object.entries(value).map(([key, one]) => `${JSON.stringify(key)}: ${onOneLine(one)}`);
  return members.length === 0 ? '{}' : `{ ${members.join(', ')} }`;
}

function broken(value: Json, indent: string): string {
  if (value === null || typeof value !== 'object') return scalar(value);
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    if (value.length === 0) return '[]';
    const list = value.every((one) => typeof one === 'number')
      ? filled(value, inner)
      : value.map((one, i) => inner + fitting(one, inner, inner.length, comma(i, value.length)));
    return `[\n${list.join(',\n')}\n${indent}]`;
  }
  const members = Object.entries(value);
  if (members.length === 0) return '{}';
  const lines = members.map(([key, one], i) => {
    const name = `${inner}${JSON.stringify(key)}: `;
    return name + fitting(one, inner, name.length, comma(i, members.length));
  });
  return `{\n${lines.join(',\n')}\n${indent}}`;
}

const comma = (i: number, count: number): number => (i < count - 1 ? 1 : 0);

/** Numbers stand as many to a line as there is room for. */
function filled(numbers: readonly number[], indent: string): string[] {
  const lines: string[] = [];
  let line = '';
  numbers.forEach((number, i) => {
    const text = scalar(number);
    const longer = line === '' ? indent + text : `${line}, ${text}`;
    if (line !== '' && longer.length + comma(i, numbers.length) > LINE_WIDTH) {
      lines.push(line);
      line = indent + text;
    } else line = longer;
  });
  return [...lines, line];
}
