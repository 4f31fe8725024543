// What `[...]` or `(...)` before a packet says of its IP header.

import type { EcnWord, IpInfo } from './ast.js';
import type { Cursor } from './cursor.js';
import { DSCP_NAMES } from './vocabulary.js';

const ECN_WORDS: readonly EcnWord[] = ['noecn', 'ect0', 'ect1', 'ce', 'ect01'];
const FIELDS = [...ECN_WORDS, 'ecn', 'tos', 'class', 'dscp', 'flowlabel', 'ttl', 'hlim', 'checksum'];

type Fields = { -readonly [K in 'ecn' | 'tos' | 'dscp' | 'flowLabel' | 'ttl' | 'checksum']: IpInfo[K] };

/**
 * Items in any order, each at most once. `class` and `hlim` are IPv6's names for what `tos` and `ttl` name too;
 * `ecn` before an ECN word is optional.
 */
export function parseIpInfo(cursor: Cursor): IpInfo {
  const first = cursor.take();
  const brackets = first.text === '(' ? '()' : '[]';
  const fields: Fields = { ecn: null, tos: null, dscp: null, flowLabel: null, ttl: null, checksum: null };
  do parseItem(cursor, fields);
  while (cursor.accept(','));
  cursor.expect(brackets[1]!, ["','"]);
  return { brackets, ...fields, span: cursor.spanFrom(first.start) };
}

function parseItem(cursor: Cursor, fields: Fields): void {
  const token = cursor.peek();
  const claim = (field: keyof Fields) => {
    const clash =
      fields[field] !== null ||
      (field === 'tos' ? fields.ecn !== null || fields.dscp !== null : false) ||
      ((field === 'ecn' || field === 'dscp') && fields.tos !== null);
    if (clash)
      throw cursor.fail('NOT_ALLOWED', `'${token.text}' repeats or contradicts what is already said`, token);
    cursor.take();
  };
  switch (token.kind === 'word' ? token.text : '') {
    case 'ecn':
      claim('ecn');
      fields.ecn = parseEcnWord(cursor);
      return;
    case 'tos':
    case 'class':
      claim('tos');
      fields.tos = cursor.anyInteger(token.text, 0, 0xff);
      return;
    case 'dscp':
      claim('dscp');
      fields.dscp = parseDscp(cursor);
      return;
    case 'flowlabel':
      claim('flowLabel');
      fields.flowLabel = cursor.anyInteger('flowlabel', 0, 0xfffff);
      return;
    case 'ttl':
    case 'hlim':
      claim('ttl');
      fields.ttl = cursor.anyInteger(token.text, 0, 0xff);
      return;
    case 'checksum':
      claim('checksum');
      fields.checksum = cursor.accept('bad') ? 'bad' : cursor.anyInteger('checksum', 0, 0xffff);
      return;
    default:
      if (!isEcnWord(token.text)) {
        throw cursor.unexpected(['ECN word', 'tos', 'dscp', 'flowlabel', 'ttl', 'checksum'], FIELDS);
      }
      claim('ecn');
      fields.ecn = token.text;
  }
}

function isEcnWord(text: string): text is EcnWord {
  return (ECN_WORDS as readonly string[]).includes(text);
}

function parseEcnWord(cursor: Cursor): EcnWord {
  const token = cursor.peek();
  if (token.kind !== 'word' || !isEcnWord(token.text)) {
    throw cursor.unexpected(
      ECN_WORDS.map((word) => `'${word}'`),
      ECN_WORDS,
    );
  }
  cursor.take();
  return token.text;
}

function parseDscp(cursor: Cursor): number {
  const token = cursor.peek();
  if (token.kind !== 'word') return cursor.anyInteger('dscp', 0, 0x3f);
  const value = DSCP_NAMES.get(token.text);
  if (value === undefined) {
    throw cursor.unexpected(
      ['a code point (cs0 to cs7, af11 to af43, ef, le, voice-admit)'],
      DSCP_NAMES.keys(),
    );
  }
  cursor.take();
  return value;
}
