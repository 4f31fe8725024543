// A snippet's text and where it stands in its script: offsets to spans of the script. Knows no language.

import type { Span } from '../language/ast.js';
import { Source } from '../language/source.js';
import type { SnippetErrorCode } from './errors.js';
import { SnippetError } from './errors.js';

/** Where a snippet's first character stands. */
export interface SnippetPlace {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export class SnippetText {
  readonly text: string;
  private readonly source: Source;
  private readonly place: SnippetPlace;

  constructor(text: string, place: SnippetPlace) {
    this.text = text;
    this.place = place;
    this.source = new Source(place.file, text);
  }

  span(start: number, end: number): Span {
    const inner = this.source.span(start, Math.max(start, end));
    // Only the first line of a snippet has something of the script before it.
    const shift = (line: number) => (line === 1 ? this.place.column - 1 : 0);
    return {
      file: this.place.file,
      line: inner.line + this.place.line - 1,
      column: inner.column + shift(inner.line),
      endLine: inner.endLine + this.place.line - 1,
      endColumn: inner.endColumn + shift(inner.endLine),
    };
  }

  error(code: SnippetErrorCode, problem: string, start: number, end: number): SnippetError {
    return new SnippetError(code, problem, this.span(start, end), this.lineAt(start));
  }

  /** The line that holds an offset, indented to where it stands in the script. */
  lineAt(offset: number): string {
    const line = this.source.lineOf(offset);
    const pad = line === 1 ? ' '.repeat(Math.max(0, this.place.column - 1)) : '';
    return pad + this.source.lineText(line);
  }
}
