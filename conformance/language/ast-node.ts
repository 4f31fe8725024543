// What every node of the syntax tree has.

/** Lines and columns count from 1; columns count UTF-16 units; the end is exclusive. */
export interface Span {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
}

export interface Node {
  readonly span: Span;
}
