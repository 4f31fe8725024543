// The index of the project's own packetdrill scripts: what each one checks and which section it cites, read from
// the comment lines at its top, and the Markdown made from that. It must never know how a script runs.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What the head of one script says. */
export interface ScriptHead {
  /** Path below the scripts folder, with forward slashes: `handshake/passive-open.pkt`. */
  readonly path: string;
  /** The folder it stands in. */
  readonly topic: string;
  /** One sentence: what is checked. */
  readonly sentence: string;
  /** Sections cited, in order, each once: `RFC 9293 §3.5`. */
  readonly citations: readonly string[];
  /** Why Linux and the RFC part here, if they do. */
  readonly linuxDiffers: string | undefined;
}

/** A script whose head breaks the rules of the folder. `code` is stable. */
export class ScriptHeadError extends Error {
  readonly code: 'ENOSENTENCE' | 'ENOCITATION' | 'ENODEFAULTS' | 'EADDRESS';
  constructor(code: ScriptHeadError['code'], path: string, message: string) {
    super(`${path}: ${message}`);
    this.name = 'ScriptHeadError';
    this.code = code;
  }
}

/** A section without a number of its own belongs to the RFC named before it. */
const CITATION = /(?:RFC (\d+), )?section ((?:\d+|[A-Z])(?:\.\d+)*)/g;
const LITERAL_ADDRESS = /\b\d{1,3}(?:\.\d{1,3}){3}\b|--(?:local|remote|gateway)_ip/;

/**
 * Reads the head of one script.
 * @param path path below the scripts folder, with forward slashes
 * @param text the whole script
 * @throws ScriptHeadError when the first line is no sentence, when no `RFC N, section S` follows it, when the script
 *   does not start from `common/defaults.sh`, or when it names an address (which would tie it to one IP version)
 */
export function parseScriptHead(path: string, text: string): ScriptHead {
  const head: string[] = [];
  for (const line of text.split('\n')) {
    if (!line.startsWith('//')) break;
    head.push(line.slice(2).trim());
  }
  const sentence = head[0] ?? '';
  if (!/^\w.*\.$/.test(sentence)) {
    throw new ScriptHeadError(
      'ENOSENTENCE',
      path,
      'the first line must be a comment: one sentence, what is checked',
    );
  }
  const citations: string[] = [];
  let rfc: string | undefined;
  let linuxDiffers: string | undefined;
  for (const line of head.slice(1)) {
    if (line.startsWith('Linux differs:')) {
      linuxDiffers = line.slice('Linux differs:'.length).trim();
      continue;
    }
    for (const match of line.matchAll(CITATION)) {
      rfc = match[1] ?? rfc;
      if (rfc === undefined) continue;
      const citation = `RFC ${rfc} §${match[2]}`;
      if (!citations.includes(citation)) citations.push(citation);
    }
  }
  if (citations.length === 0) {
    throw new ScriptHeadError(
      'ENOCITATION',
      path,
      'the head must cite a section: "// RFC 9293, section 3.5: ..."',
    );
  }
  if (!text.includes('`../common/defaults.sh')) {
    throw new ScriptHeadError('ENODEFAULTS', path, 'the init command must start with ../common/defaults.sh');
  }
  const timeline = text.replace(/\/\/.*$/gm, '');
  if (LITERAL_ADDRESS.test(timeline)) {
    throw new ScriptHeadError('EADDRESS', path, 'a literal address ties the script to one IP version');
  }
  return { path, topic: path.slice(0, path.indexOf('/')), sentence, citations, linuxDiffers };
}

/**
 * Reads the heads of all scripts, sorted by path.
 * @param folder the scripts folder; each topic is a folder in it
 * @throws ScriptHeadError for the first script that breaks a rule, or the file system's own error
 */
export function readScriptHeads(folder: string): ScriptHead[] {
  const heads: ScriptHead[] = [];
  const topics = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  for (const topic of topics.map((entry) => entry.name).sort()) {
    for (const file of readdirSync(join(folder, topic)).sort()) {
      if (!file.endsWith('.pkt')) continue;
      heads.push(parseScriptHead(`${topic}/${file}`, readFileSync(join(folder, topic, file), 'utf8')));
    }
  }
  return heads;
}

const escapeCell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');

/** The tables of README.md: one heading and table for each topic, in the order of the heads. */
export function renderScriptTables(heads: readonly ScriptHead[]): string {
  const lines: string[] = [];
  let topic = '';
  for (const head of heads) {
    if (head.topic !== topic) {
      topic = head.topic;
      const count = heads.filter((other) => other.topic === topic).length;
      lines.push('', `## ${topic} (${count})`, '', '| script | checks | cites |', '| --- | --- | --- |');
    }
    const name = head.path.slice(topic.length + 1, -'.pkt'.length);
    const differs =
      head.linuxDiffers === undefined ? '' : ` *Linux differs: ${escapeCell(head.linuxDiffers)}*`;
    lines.push(
      `| [${name}](${head.path}) | ${escapeCell(head.sentence)}${differs} | ${head.citations.join(', ')} |`,
    );
  }
  return `${lines.join('\n').trimStart()}\n`;
}

/** Everything in README.md from this line on is generated. */
export const GENERATED_MARK = '<!-- generated by scripts/list-scripts.mjs: do not edit below -->';

/**
 * README.md as it should be: its own text up to the mark, the number of scripts, and the tables.
 * @param readme the present text
 * @throws Error when the mark is missing
 */
export function renderReadme(readme: string, heads: readonly ScriptHead[]): string {
  const end = readme.indexOf(GENERATED_MARK);
  if (end < 0) throw new Error(`README.md has lost its line ${GENERATED_MARK}`);
  const single = heads.filter((head) => /v[46]\.pkt$/.test(head.path)).length;
  const runs = 2 * heads.length - single;
  const total = `${heads.length} scripts, ${runs} runs over IPv4 and IPv6 (a name that ends in v4 or v6 is for that version alone).`;
  return `${readme.slice(0, end)}${GENERATED_MARK}\n\n${total}\n\n${renderScriptTables(heads)}`;
}
