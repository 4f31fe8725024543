// System calls: `...T name(arguments) = result ERRNO (text) (note)`.

import type { Errno, SyscallBody } from './ast.js';
import type { Cursor } from './cursor.js';
import { parseExpression, parseExpressionList } from './parse-expression.js';
import { parseMicroseconds } from './parser.js';

export function parseSyscall(cursor: Cursor): SyscallBody {
  const first = cursor.peek();
  let end: number | null = null;
  if (cursor.atKind('ellipsis')) {
    cursor.take();
    end = parseMicroseconds(cursor);
  }
  const name = cursor.expectKind('word', 'the name of a system call').text;
  cursor.expect('(');
  const args = parseExpressionList(cursor, ')');
  cursor.expect('=', ['the result of the call']);
  const result = parseExpression(cursor);
  const errno = parseErrno(cursor);
  const note = cursor.at('(') ? parseNote(cursor) : null;
  return { kind: 'syscall', end, name, args, result, errno, note, span: cursor.spanFrom(first.start) };
}

function parseErrno(cursor: Cursor): Errno | null {
  const token = cursor.peek();
  if (token.kind !== 'word') return null;
  // With its text behind it any word can only be meant for an errno; check-names.ts says if there is no such one.
  if (!/^E[A-Z0-9]+$/.test(token.text) && !cursor.at('(', 1)) {
    throw cursor.unexpected(['an errno name (EAGAIN)', 'a note in parentheses', 'the next event']);
  }
  cursor.take();
  const text = cursor.at('(') ? parseNote(cursor) : '';
  return { name: token.text, text, span: cursor.spanFrom(token.start) };
}

/** What stands in parentheses, read as prose: any gap becomes one blank, inner parentheses must pair. */
function parseNote(cursor: Cursor): string {
  const open = cursor.expect('(');
  let text = '';
  let depth = 1;
  let end = open.end;
  for (;;) {
    const token = cursor.peek();
    if (token.kind === 'end') throw cursor.fail('UNTERMINATED', "'(' without its closing ')'", open);
    cursor.take();
    if (token.kind === 'punctuation' && token.text === '(') depth++;
    if (token.kind === 'punctuation' && token.text === ')' && --depth === 0) return text;
    const gap = text !== '' && token.start > end ? ' ' : '';
    text += gap + cursor.source.text.slice(token.start, token.end);
    end = token.end;
  }
}
