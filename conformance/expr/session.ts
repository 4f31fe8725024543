// The snippets of one script: variables live from one to the next, the environment is asked anew for each.

import { runStatements, type Scope } from './evaluate.js';
import { parseSnippet } from './parser.js';
import { type SnippetPlace, SnippetText } from './snippet-text.js';
import type { Value } from './values.js';

/** A value that the environment offers: numbers that are whole count as integers. */
export type EnvironmentValue = number | bigint | string;

/** Where `tcpi_*`, `TCP_CA_*`, `SK_MEMINFO_*` and the like come from, at the time of one snippet. */
export interface SnippetEnvironment {
  lookup(name: string): EnvironmentValue | undefined;
  /** Names on offer, to guess from when one is mistyped. */
  names?(): Iterable<string>;
}

const NOTHING: SnippetEnvironment = { lookup: () => undefined };

export class SnippetSession {
  private readonly variables = new Map<string, Value>();

  /**
   * Runs one snippet. A name means what this snippet assigned, else what the environment says now, else what an
   * earlier snippet assigned.
   * @param text what stands between `%{` and `}%`
   * @param place where the text's first character stands
   * @returns what it printed, a line each
   * @throws SnippetError
   */
  run(text: string, place: SnippetPlace, environment: SnippetEnvironment = NOTHING): string[] {
    const snippet = new SnippetText(text, place);
    const printed: string[] = [];
    const assigned = new Set<string>();
    const { variables } = this;
    const scope: Scope = {
      get(name) {
        if (assigned.has(name)) return variables.get(name);
        const offered = environment.lookup(name);
        return offered === undefined ? variables.get(name) : fromEnvironment(offered);
      },
      set(name, value) {
        assigned.add(name);
        variables.set(name, value);
      },
      print(line) {
        printed.push(line);
      },
      names: () => [...variables.keys(), ...(environment.names?.() ?? [])],
    };
    runStatements(parseSnippet(snippet), snippet, scope);
    return printed;
  }
}

/** An environment from plain records; earlier ones win. */
export function environmentFrom(
  ...records: readonly Readonly<Record<string, EnvironmentValue>>[]
): SnippetEnvironment {
  return {
    lookup(name) {
      for (const record of records) if (Object.hasOwn(record, name)) return record[name];
      return undefined;
    },
    names: () => records.flatMap((record) => Object.keys(record)),
  };
}

function fromEnvironment(value: EnvironmentValue): Value {
  if (typeof value !== 'number') return value;
  return Number.isInteger(value) ? BigInt(value) : value;
}

/** Checks a snippet's form without running it. @throws SnippetError with code SYNTAX or UNSUPPORTED */
export function checkSnippet(text: string, place: SnippetPlace): void {
  parseSnippet(new SnippetText(text, place));
}
