// Runs the tree of a command text: expansion, pipes, redirection, variables, helper files. Commands themselves are
// in commands/, the outside world behind ShellHost.

import { nearest } from '../language/suggest.js';
import { callBuiltIn, withPlace } from './call-built-in.js';
import type { BuiltIn, CommandContext } from './command.js';
import { BUILT_INS } from './commands/index.js';
import { setSysctlsHelper } from './commands/set-sysctls.js';
import { type CommandPlace, HostRefusal, ShellError } from './errors.js';
import { type Expander, expandWhole, expandWords } from './expansion.js';
import { readPath, writePath } from './file-access.js';
import { languageOf } from './file-language.js';
import type { ShellHost } from './host.js';
import { parseCommands } from './parser.js';
import { isSpecial, runSpecial, type ShellState } from './special-commands.js';
import { Exit, Sink, type Streams } from './streams.js';
import type { Command, CommandList, Pipeline, Redirection, SimpleCommand, Word } from './syntax.js';
import type { VirtualFiles } from './virtual-files.js';

const MAX_COMMANDS = 10_000;
const MAX_DEPTH = 16;

export interface RunOutcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** State of one script's shell; one per script. */
export class Interpreter implements ShellState {
  private readonly host: ShellHost;
  private readonly files: VirtualFiles;
  readonly variables: Map<string, string>;
  parameters: readonly string[] = [];
  private file = '';
  status = 0;
  private commands = 0;
  private depth = 0;
  stopOnError = false;
  private conditionDepth = 0;
  /** Status of the last `$(...)` in a command's words, which is the status of a command that only assigns. */
  private substituted = 0;

  constructor(host: ShellHost, files: VirtualFiles, variables: Map<string, string>) {
    this.host = host;
    this.files = files;
    this.variables = variables;
  }

  /** @throws ShellError for everything that ends a script at once */
  run(text: string, place: CommandPlace): RunOutcome {
    const stdout = new Sink();
    const stderr = new Sink();
    this.commands = 0;
    this.depth = 0;
    this.stopOnError = false;
    const status = this.runText(text, place.file, place.line, [], { stdin: '', stdout, stderr });
    return { status, stdout: stdout.text, stderr: stderr.text };
  }

  private runText(
    text: string,
    file: string,
    line: number,
    parameters: readonly string[],
    streams: Streams,
  ): number {
    const list = parseCommands(text, file, line);
    if (++this.depth > MAX_DEPTH) {
      throw new ShellError('LIMIT', 'helper files call each other too deeply', { file, line });
    }
    const saved = { file: this.file, parameters: this.parameters, conditions: this.conditionDepth };
    this.file = file;
    this.parameters = parameters;
    this.status = 0;
    try {
      this.runList(list, streams);
    } catch (error) {
      if (!(error instanceof Exit)) throw error;
      this.status = error.status;
    } finally {
      this.file = saved.file;
      this.parameters = saved.parameters;
      this.conditionDepth = saved.conditions;
      this.depth--;
    }
    return this.status;
  }

  // ------------------------------------------------------------ structure

  private runList(list: CommandList, streams: Streams): number {
    for (const { first, rest } of list) {
      const guarded = rest.length > 0;
      if (guarded) this.conditionDepth++;
      this.runPipeline(first, streams);
      for (const [index, { operator, pipeline }] of rest.entries()) {
        if (index === rest.length - 1) this.conditionDepth--;
        if ((this.status === 0) === (operator === '&&')) this.runPipeline(pipeline, streams);
      }
      if (this.stopOnError && this.status !== 0 && this.conditionDepth === 0 && !guarded) {
        throw new Exit(this.status);
      }
    }
    return this.status;
  }

  private runPipeline(pipeline: Pipeline, streams: Streams): void {
    let { stdin } = streams;
    const piped = pipeline.commands.length > 1;
    for (const [index, command] of pipeline.commands.entries()) {
      const last = index === pipeline.commands.length - 1;
      const stdout = last ? streams.stdout : new Sink();
      const run = () => this.runCommand(command, { stdin, stdout, stderr: streams.stderr });
      this.status = piped ? this.inSubshell(run) : run();
      stdin = stdout.text;
    }
    if (pipeline.negated) this.status = this.status === 0 ? 1 : 0;
  }

  /** What runs here sets no variable of the shell around it, and its `exit` ends it alone. */
  private inSubshell(run: () => number): number {
    const variables = [...this.variables];
    const { parameters, stopOnError, conditionDepth } = this;
    try {
      this.status = run();
    } catch (error) {
      if (!(error instanceof Exit)) throw error;
      this.status = error.status;
    }
    this.variables.clear();
    for (const [name, value] of variables) this.variables.set(name, value);
    this.parameters = parameters;
    this.stopOnError = stopOnError;
    this.conditionDepth = conditionDepth;
    return this.status;
  }

  private runCommand(command: Command, streams: Streams): number {
    if (++this.commands > MAX_COMMANDS) {
      throw new ShellError('LIMIT', `more than ${MAX_COMMANDS} commands`, this.place(command.line));
    }
    switch (command.kind) {
      case 'simple':
        return this.runSimple(command, streams);
      case 'group':
        return this.redirected(command.redirections, command.line, streams, (inner) =>
          this.runList(command.body, inner),
        );
      case 'if':
        for (const branch of command.branches) {
          this.conditionDepth++;
          const holds = this.runList(branch.condition, streams) === 0;
          this.conditionDepth--;
          if (holds) return this.runBody(branch.body, streams);
        }
        return command.otherwise === null ? 0 : this.runBody(command.otherwise, streams);
      case 'for':
        for (const value of this.expandedOrDone(command.words)) {
          this.variables.set(command.name, value);
          this.runList(command.body, streams);
        }
        return this.status;
    }
  }

  private runBody(body: CommandList, streams: Streams): number {
    // A body sees the status of the condition; one without commands succeeds.
    return body.length === 0 ? 0 : this.runList(body, streams);
  }

  /** The words of a `for`; without any the command is done, with success. */
  private expandedOrDone(words: readonly Word[]): string[] {
    const values = expandWords(this.expander(), words);
    if (values.length === 0) this.status = 0;
    return values;
  }

  private place(line: number): CommandPlace {
    return { file: this.file, line };
  }

  // ------------------------------------------------------------ simple commands

  private runSimple(command: SimpleCommand, streams: Streams): number {
    this.substituted = 0;
    const words = expandWords(this.expander(), command.words);
    const assignments = command.assignments.map(
      ({ name, value }) => [name, expandWhole(this.expander(), value)] as const,
    );
    const [name, ...args] = words;
    if (name === undefined) {
      for (const [variable, value] of assignments) this.variables.set(variable, value);
      return this.redirected(command.redirections, command.line, streams, () => this.substituted);
    }
    // `NAME=value command` sets NAME for that command only.
    const saved = assignments.map(([variable]) => [variable, this.variables.get(variable)] as const);
    for (const [variable, value] of assignments) this.variables.set(variable, value);
    try {
      return this.redirected(command.redirections, command.line, streams, (inner) =>
        this.dispatch(name, args, command.line, inner),
      );
    } finally {
      for (const [variable, value] of saved) {
        if (value === undefined) this.variables.delete(variable);
        else this.variables.set(variable, value);
      }
    }
  }

  private dispatch(name: string, args: readonly string[], line: number, streams: Streams): number {
    const place = this.place(line);
    if (isSpecial(name)) return runSpecial(name, args, this, place);
    switch (name) {
      case '.':
      case 'source':
        if (args[0] === undefined)
          throw new ShellError('BAD_ARGUMENTS', `${name}: a file is needed`, place, name);
        return this.runFile(args[0], args.slice(1), place, streams, true);
      case 'sh':
      case 'bash':
        if (args[0] === undefined || args[0].startsWith('-')) {
          throw new ShellError(
            'BAD_ARGUMENTS',
            `${name}: a file is needed, options are not supported`,
            place,
            name,
          );
        }
        return this.runFile(args[0], args.slice(1), place, streams, true);
      case 'python':
      case 'python3':
        if (args[0] === undefined || args[0].startsWith('-')) {
          throw new ShellError('UNKNOWN_COMMAND', `${name}: only helper files are run, no code`, place, name);
        }
        return this.runFile(args[0], args.slice(1), place, streams, false, true);
      default:
    }
    const base = name.replace(/^\/(?:usr\/)?s?bin\//, '');
    const builtIn = Object.hasOwn(BUILT_INS, base) ? BUILT_INS[base] : undefined;
    if (builtIn !== undefined) return this.runBuiltIn(builtIn, base, args, place, streams);
    if (name.includes('/') && base === name) return this.runFile(name, args, place, streams, false);
    const meant = nearest(base, Object.keys(BUILT_INS));
    throw new ShellError(
      'UNKNOWN_COMMAND',
      `unknown command '${name}'${meant === null ? '' : `; did you mean '${meant}'?`}`,
      place,
      name,
    );
  }

  private runBuiltIn(
    builtIn: BuiltIn,
    name: string,
    args: readonly string[],
    place: CommandPlace,
    streams: Streams,
  ): number {
    const context: CommandContext = {
      name,
      args,
      stdin: streams.stdin,
      place,
      host: this.host,
      files: this.files,
      out: (text) => streams.stdout.write(text),
      err: (text) => streams.stderr.write(text),
      readFile: (path) => this.readFile(path),
      writeFile: (path, text, append) => this.writeFile(path, text, append, place, streams.stderr, name),
      variable: (variable) => this.variable(variable),
    };
    return callBuiltIn(builtIn, context);
  }

  // ------------------------------------------------------------ files

  /** Runs a helper file: a virtual one, or one beside the script. Its first line says what it is written in. */
  private runFile(
    path: string,
    args: readonly string[],
    place: CommandPlace,
    streams: Streams,
    plainText: boolean,
    python = false,
  ): number {
    const text = this.files.owns(path) ? (this.files.readText(path) ?? null) : this.readHelper(path, place);
    if (text === null) {
      throw new ShellError(
        'UNKNOWN_COMMAND',
        `'${path}': no such file${this.files.owns(path) ? '' : ' beside the script'}`,
        place,
        path,
      );
    }
    const language = plainText ? 'shell' : languageOf(text, python);
    if (language === 'python') return this.runBuiltIn(setSysctlsHelper, path, args, place, streams);
    if (language !== 'shell') {
      const problem = `'${path}' is written for '${language}', which is not supported`;
      throw new ShellError('UNKNOWN_COMMAND', problem, place, path);
    }
    return this.runText(text, path, 1, args, streams);
  }

  private readHelper(path: string, place: CommandPlace): string | null {
    try {
      return this.host.readHelperFile(path);
    } catch (error) {
      if (error instanceof HostRefusal) throw new ShellError('FORBIDDEN', error.message, place, path);
      throw withPlace(error, place, path);
    }
  }

  private readFile(path: string): string | null {
    return readPath(this.host, this.files, path);
  }

  private writeFile(
    path: string,
    text: string,
    append: boolean,
    place: CommandPlace,
    stderr: Sink,
    name: string,
  ): boolean {
    try {
      if (writePath(this.host, this.files, path, text, append)) return true;
    } catch (error) {
      if (!(error instanceof HostRefusal)) throw withPlace(error, place, name);
      stderr.write(`${path}: ${error.message}\n`);
      return false;
    }
    const problem = `'${path}': only /proc/sys, /sys/module and /tmp can be written`;
    throw new ShellError('FORBIDDEN', problem, place, name);
  }

  /** Runs `action` with its output gathered as the redirections say; a refused write is a failure. */
  private redirected(
    redirections: readonly Redirection[],
    line: number,
    streams: Streams,
    action: (streams: Streams) => number,
  ): number {
    let { stdin, stdout, stderr } = streams;
    const opened: { path: string; append: boolean; sink: Sink }[] = [];
    for (const redirection of redirections) {
      if (redirection.kind === 'duplicate') {
        if (redirection.from === 1) stdout = redirection.to === 2 ? stderr : stdout;
        else stderr = redirection.to === 1 ? stdout : stderr;
        continue;
      }
      const path = expandWhole(this.expander(), redirection.target);
      if (redirection.kind === 'read') {
        const text = this.readFile(path);
        if (text === null) {
          streams.stderr.write(`${path}: No such file or directory\n`);
          return 1;
        }
        stdin = text;
        continue;
      }
      const sink = new Sink();
      opened.push({ path, append: redirection.kind === 'append', sink });
      if (redirection.from !== 2) stdout = sink;
      if (redirection.from !== 1) stderr = sink;
    }
    let status = action({ stdin, stdout, stderr });
    for (const { path, append, sink } of opened) {
      const place = this.place(line);
      if (!this.writeFile(path, sink.text, append, place, streams.stderr, 'redirection')) status = 1;
    }
    return status;
  }

  // ------------------------------------------------------------ variables

  private variable(name: string): string {
    if (name === '?') return String(this.status);
    if (name === '#') return String(this.parameters.length);
    if (name === '@' || name === '*') return this.parameters.join(' ');
    if (name === '0') return this.file;
    if (/^[1-9]$/.test(name)) return this.parameters[Number(name) - 1] ?? '';
    return this.variables.get(name) ?? '';
  }

  private expander(): Expander {
    return {
      file: this.file,
      parameters: this.parameters,
      variable: (name) => this.variable(name),
      substitute: (list) => {
        const stdout = new Sink();
        // Nothing at all succeeds; anything else sees the status before it.
        if (list.length === 0) this.status = 0;
        this.inSubshell(() => this.runList(list, { stdin: '', stdout, stderr: new Sink() }));
        this.substituted = this.status;
        return stdout.text;
      },
    };
  }
}
