// `%{ }%` snippets: they see the socket under test as it is at the event's time.

import { environmentFrom, SnippetError, SnippetSession } from '../expr/index.js';
import type { CodeBody } from '../language/ast.js';
import { symbolNames, symbolValue } from '../language/symbols.js';
import { RunFailure } from './errors.js';
import type { Machine } from './machine.js';

export class Snippets {
  private readonly session = new SnippetSession();

  async run(machine: Machine, code: CodeBody): Promise<void> {
    await machine.waitForEvent('data collection for code');
    const fd = machine.sockets.underTest?.liveFd ?? -1;
    if (fd < 0) {
      throw new RunFailure(
        'code',
        'there is no socket of the script whose tcp_info the snippet could see',
        code.span,
      );
    }
    const info = environmentFrom(await machine.target.info(fd));
    const environment = {
      lookup: (name: string) => info.lookup(name) ?? symbolValue(name),
      names: () => [...(info.names?.() ?? []), ...symbolNames()],
    };
    try {
      machine.trace.output.push(...this.session.run(code.text, code.textSpan, environment));
    } catch (error) {
      if (!(error instanceof SnippetError)) throw error;
      const values = error.assertion?.values ?? [];
      const message = error.assertion?.message;
      const known = [
        ...values.map(([text, value]) => `${text} is ${value}`),
        ...(message ? [`message: ${message}`] : []),
      ];
      throw new RunFailure(
        'code',
        known.length > 0 ? `${error.problem} (${known.join(', ')})` : error.problem,
        error.span,
        {
          field: error.assertion?.condition ?? 'snippet',
          actual: values.map(([text, value]) => `${text} = ${value}`).join(', '),
        },
      );
    }
  }
}
