// The restricted shell of one script: runs its backtick commands against a ShellHost and keeps its virtual files.

import { type CommandPlace, ShellError } from './errors.js';
import type { ShellHost } from './host.js';
import { Interpreter, type RunOutcome } from './interpreter.js';
import { VirtualFiles } from './virtual-files.js';

export interface ShellOptions {
  /** What `$PPID` and `$PACKETDRILL_PID` say; any text of digits. */
  readonly processId?: string;
  readonly variables?: Readonly<Record<string, string>>;
}

export class Shell {
  /** The script's files: what `dd of=/tmp/x` writes, `open("/tmp/x")` reads. */
  readonly files = new VirtualFiles();
  private readonly interpreter: Interpreter;

  constructor(host: ShellHost, options: ShellOptions = {}) {
    const processId = options.processId ?? '1';
    const variables = new Map([
      ['PPID', processId],
      ['PACKETDRILL_PID', processId],
      ...Object.entries(options.variables ?? {}),
    ]);
    this.interpreter = new Interpreter(host, this.files, variables);
  }

  /**
   * Runs a command text and says how it ended.
   * @param place file and line that the text begins on
   * @throws ShellError for bad syntax, unknown commands or arguments, forbidden files, and what the host cannot do
   */
  run(text: string, place: CommandPlace): RunOutcome {
    return this.interpreter.run(text, place);
  }

  /** The same, but a status other than 0 is an error too, as it is for packetdrill. @throws ShellError */
  runOrFail(text: string, place: CommandPlace): RunOutcome {
    const outcome = this.run(text, place);
    if (outcome.status !== 0) {
      const said = outcome.stderr.trim();
      const problem = `command ended with status ${outcome.status}${said === '' ? '' : `: ${said}`}`;
      throw new ShellError('FAILED', problem, place, text.trim().split('\n')[0] ?? null);
    }
    return outcome;
  }
}
