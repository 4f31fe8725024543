// The HTML report: one file that needs nothing else. Totals, a table of runs, and for each run a time-sequence diagram,
// the script with its packets beside it, and the failure in its place. Failed runs are open, others wait for a click.

import {
  escapeXml,
  type ReportContext,
  type ReportEnd,
  type ReportedRun,
  type Reporter,
  type ReporterKind,
  summaryLine,
} from '../reporter.js';
import { diagram } from './diagram.js';
import { script } from './script.js';
import { STYLE } from './style.js';
import { SWITCHES } from './switches.js';

/** A file that a browser opens at once: of passed runs beyond this, only the row in the table is kept. */
const MOST_DETAILS = 1000;

class HtmlReporter implements Reporter {
  private readonly context: ReportContext;
  private readonly rows: string[] = [];
  private readonly sections: string[] = [];

  constructor(context: ReportContext) {
    this.context = context;
  }

  run(run: ReportedRun): void {
    const id = `run${this.rows.length}`;
    const detailed = run.verdict === 'failed' || this.sections.length < MOST_DETAILS;
    this.rows.push(row(run, detailed ? id : null));
    if (detailed) this.sections.push(section(run, id));
  }

  end(end: ReportEnd): void {
    const { write, target } = this.context;
    const { passed, failed, skipped } = end.totals;
    write('<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n');
    write('<meta name="viewport" content="width=device-width, initial-scale=1">\n');
    write(`<title>${summaryLine(end.totals)}</title>\n<style>${STYLE}</style>\n</head>\n<body>\n`);
    write(`<header><h1>Conformance of ${escapeXml(target)}</h1>`);
    write(`<p class="totals"><b class="passed">${passed} passed</b> <b class="failed">${failed} failed</b> `);
    write(
      `<b class="skipped">${skipped} skipped</b> <span>in ${(end.milliseconds / 1000).toFixed(2)} s</span></p>`,
    );
    write('<p class="tools"><label>Show <select id="show"><option value="all">all runs</option>');
    write('<option value="failed">failed</option><option value="skipped">skipped</option>');
    write('<option value="passed">passed</option></select></label> ');
    write('<label>Find <input id="find" type="search" placeholder="part of a name"></label></p></header>\n');
    if (end.changes.length > 0) write(changesTable(end));
    write('<table class="runs"><thead><tr><th>verdict</th><th>script</th><th>IP</th><th>script time</th>');
    write(`<th>took</th><th>why</th></tr></thead><tbody>\n${this.rows.join('')}</tbody></table>\n`);
    for (const text of this.sections) write(text);
    write(`<script>${SWITCHES}</script>\n</body>\n</html>\n`);
  }
}

function row(run: ReportedRun, id: string | null): string {
  const { result, verdict } = run;
  const name = escapeXml(result.script);
  const link = id === null ? name : `<a href="#${id}">${name}</a>`;
  const why = run.note || (result.failure?.summary ?? result.reason);
  return `<tr class="${verdict}" data-verdict="${verdict}" data-name="${name}"><td><b>${verdict}</b></td><td>${link}</td><td>${result.ipVersion}</td><td class="number">${seconds(result.scriptMicroseconds)}</td><td class="number">${result.milliseconds.toFixed(1)} ms</td><td>${escapeXml(why)}</td></tr>\n`;
}

function section(run: ReportedRun, id: string): string {
  const { result, verdict } = run;
  const open = verdict === 'failed' ? ' open' : '';
  const note = run.note ? ` <i>${escapeXml(run.note)}</i>` : '';
  const head = `<summary><b>${verdict}</b> ${escapeXml(result.script)} <span>${result.ipVersion}</span>${note}</summary>`;
  const failure = result.reason === '' ? '' : `<pre class="reason">${escapeXml(result.reason)}</pre>`;
  const body = `${failure}${diagram(result)}${script(run, id)}`;
  return `<details class="${verdict}" id="${id}" data-verdict="${verdict}" data-name="${escapeXml(result.script)}"${open}>${head}\n${body}</details>\n`;
}

function changesTable(end: ReportEnd): string {
  const rows = end.changes.map(
    (c) =>
      `<tr class="${c.worse ? 'failed' : 'passed'}"><td>${escapeXml(c.name)}</td><td>${c.ipVersion}</td><td>${c.before} → ${c.after}</td></tr>`,
  );
  return `<h2>Changed against the baseline</h2><table class="runs"><tbody>${rows.join('')}</tbody></table>\n`;
}

const seconds = (microseconds: number): string => `${(microseconds / 1e6).toFixed(3)} s`;

export const html: ReporterKind = {
  readable: false,
  detailed: true,
  create: (context) => new HtmlReporter(context),
};
