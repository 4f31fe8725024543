// One script's text and where things are in it: offsets to lines and columns, spans, single lines for messages.
// It knows nothing of the language.

import type { Span } from './ast.js';

export class Source {
  readonly file: string;
  readonly text: string;
  private readonly lineStarts: number[] = [0];

  constructor(file: string, text: string) {
    this.file = file;
    this.text = text;
    for (let i = text.indexOf('\n'); i >= 0; i = text.indexOf('\n', i + 1)) this.lineStarts.push(i + 1);
  }

  /** Line number, from 1, of an offset. */
  lineOf(offset: number): number {
    let low = 0;
    let high = this.lineStarts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.lineStarts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return low + 1;
  }

  /** The text of a line (from 1), without its newline. */
  lineText(line: number): string {
    const start = this.lineStarts[line - 1];
    if (start === undefined) return '';
    const end = this.text.indexOf('\n', start);
    return this.text.slice(start, end < 0 ? undefined : end).replace(/\r$/, '');
  }

  /** The span from offset `start` to offset `end`, exclusive. */
  span(start: number, end: number): Span {
    const line = this.lineOf(start);
    const endLine = this.lineOf(end);
    return {
      file: this.file,
      line,
      column: start - this.lineStarts[line - 1]! + 1,
      endLine,
      endColumn: end - this.lineStarts[endLine - 1]! + 1,
    };
  }
}
