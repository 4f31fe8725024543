// One run of one script on one target: the library's face. It reads no file and writes none; what a script's commands
// may read is the target's business.

import { featuresOf } from '../language/features.js';
import { parseScript, type Script, ScriptError, type ScriptEvent, type Span } from '../language/index.js';
import { type Target, type TargetAddresses, TargetUnsupported } from '../targets/target.js';
import { type OptionValues, type RunConfig, resolveConfig } from './config.js';
import { RunFailure, ScriptProblem, UnsupportedFeature } from './errors.js';
import { awaitBlockedCall, closeDescriptors, expectQuiet, resetConnections, takeRest } from './finish.js';
import { runInbound } from './inbound.js';
import { Machine } from './machine.js';
import { runOutbound } from './outbound.js';
import { type IpVersion, namedVersion, PRESET_DEFINES } from './presets.js';
import { rehearse } from './rehearse.js';
import type { FailureReport, RunResult } from './result.js';
import { Snippets } from './snippet.js';
import { runSystemCall } from './system-call.js';
import { resolveTime } from './time.js';

/** What a target is made for. */
export interface TargetSetup {
  readonly addresses: TargetAddresses;
  /** The script's path: its commands are run from its folder. */
  readonly file: string;
  /** Speed of the device in Mbit/s, 0: as it is. */
  readonly speed: number;
}

export type TargetFactory = (setup: TargetSetup) => Target | Promise<Target>;

export interface RunOptions {
  /** The name that messages carry and that relative commands start from. Default `script.pkt`. */
  readonly file?: string;
  readonly target: TargetFactory;
  /** Name of the target in results, when it cannot be made. */
  readonly targetName?: string;
  /** Default: what the script names, else ipv4. */
  readonly ipVersion?: IpVersion;
  readonly dialect?: 'google' | 'nplab';
  /** `-D NAME=VALUE`. These win over the version's own. */
  readonly defines?: Readonly<Record<string, string>>;
  /** packetdrill's options by name; they win over the script's. */
  readonly options?: OptionValues;
  /**
   * Fails the run for a packet that no event asks for, up to this many microseconds behind the last event;
   * `true`: three seconds.
   */
  readonly strictEnd?: boolean | number;
  /** Keep packets and events in the result. Default true. */
  readonly record?: boolean;
  /** Real time in ms, for `milliseconds`. Default: performance.now. */
  readonly clock?: () => number;
}

const STRICT_END = 3e6;

/**
 * Runs a script and says how it went.
 * Never throws for what a script or target does: a script that cannot be parsed or makes no sense is a failed run whose
 * failure has the kind `script`.
 */
export async function runScript(text: string, options: RunOptions): Promise<RunResult> {
  const clock = options.clock ?? (() => performance.now());
  const began = clock();
  const file = options.file ?? 'script.pkt';
  const draft = new Draft(file, options, () => clock() - began);
  let script: Script;
  let config: RunConfig;
  try {
    const preset = PRESET_DEFINES[options.ipVersion ?? 'ipv4'];
    const defines = { ...preset, ...options.defines };
    script = parseScript(text, { file, defines, ...(options.dialect ? { dialect: options.dialect } : {}) });
    draft.ipVersion = options.ipVersion ?? namedVersion(script) ?? 'ipv4';
    config = resolveConfig(script, draft.ipVersion, options.options ?? {});
    if (config.dryRun) return draft.passed();
  } catch (error) {
    return draft.failed(error);
  }
  return await runOn(text, script, config, options, draft);
}

async function runOn(
  text: string,
  script: Script,
  config: RunConfig,
  options: RunOptions,
  draft: Draft,
): Promise<RunResult> {
  let target: Target | null = null;
  let result: RunResult;
  try {
    target = await options.target({ addresses: config.addresses, file: script.file, speed: config.speed });
    draft.target = target.name;
    checkFeatures(script, target);
    if (!target.virtual) await rehearse(text, options, target, runScript);
    const machine = new Machine(script, text, config, target);
    draft.machine = machine;
    await play(machine, options.strictEnd);
    result = draft.passed();
  } catch (error) {
    result = draft.failed(error);
  }
  try {
    await target?.close();
  } catch (error) {
    // A first failure says more than a target that does not end well after it.
    if (result.verdict !== 'failed') result = draft.failed(error);
  }
  return result;
}

function checkFeatures(script: Script, target: Target): void {
  if (!target.lacks) return;
  for (const [feature, line] of featuresOf(script)) {
    if (target.lacks.includes(feature)) throw new UnsupportedFeature(`${feature} (line ${line})`, null);
  }
}

/** The script from its init command to its cleanup command, which runs whatever happens. */
async function play(machine: Machine, strictEnd: boolean | number | undefined): Promise<void> {
  const { script, target, config } = machine;
  let initDone = false;
  try {
    for (const path of config.initScripts) await command(machine, path, script.span);
    if (script.init) {
      await command(machine, script.init.text, script.init.span);
      initDone = true;
    }
    machine.begin();
    await events(machine);
    await awaitBlockedCall(machine);
    if (strictEnd) await expectQuiet(machine, typeof strictEnd === 'number' ? strictEnd : STRICT_END);
  } catch (error) {
    // What is wrong is known; the cleanup is not to hide it.
    if (script.cleanup && initDone && !config.noCleanup) {
      await attempt(() => target.command(script.cleanup!.text, place(script.cleanup!.span)));
    }
    throw error;
  }
  takeRest(machine);
  if (script.cleanup && (initDone || !script.init))
    await command(machine, script.cleanup.text, script.cleanup.span);
  await closeDescriptors(machine);
  await resetConnections(machine);
}

async function attempt(action: () => void | Promise<void>): Promise<void> {
  try {
    await action();
  } catch {
    // A failed cleanup after a failed script says nothing new.
  }
}

async function events(machine: Machine): Promise<void> {
  const snippets = new Snippets();
  for (const event of machine.script.events) {
    checkOrder(machine, event);
    const due = resolveTime(event, machine.now(), machine.previous);
    machine.current = { event, due };
    const record = machine.trace.begin(event);
    try {
      await runEvent(machine, event, snippets);
    } catch (error) {
      record.status = 'failed';
      record.time = machine.now();
      withSpan(error, event.body.span);
      throw error;
    }
    machine.trace.done(record, machine.now());
    machine.previous = machine.current;
  }
}

function checkOrder(machine: Machine, event: ScriptEvent): void {
  const { previous } = machine;
  const absolute = (e: ScriptEvent): boolean =>
    e.time.kind === 'absolute' || e.time.kind === 'absolute-range';
  if (!previous) {
    if (event.time.at !== 0) throw new ScriptProblem('the first event must be at time 0', event.span);
  } else if (absolute(previous.event) && absolute(event) && event.time.at < previous.due.at) {
    throw new ScriptProblem('time goes backwards in the script', event.span);
  }
}

async function runEvent(machine: Machine, event: ScriptEvent, snippets: Snippets): Promise<void> {
  const { body } = event;
  switch (body.kind) {
    case 'packet':
      return body.direction === 'in' ? runInbound(machine, body) : runOutbound(machine, body);
    case 'syscall':
      return runSystemCall(machine, body);
    case 'code':
      return snippets.run(machine, body);
    case 'command':
      await machine.waitForEvent('command');
      return command(machine, body.text, body.span);
  }
}

const place = (span: Span): { file: string; line: number } => ({ file: span.file, line: span.line });

async function command(machine: Machine, text: string, span: Span): Promise<void> {
  try {
    await machine.target.command(text, place(span));
  } catch (error) {
    if (error instanceof TargetUnsupported) throw new UnsupportedFeature(error.feature, span);
    const message = error instanceof Error ? error.message : String(error);
    throw new RunFailure('command', message, span);
  }
  machine.collect();
}

function withSpan(error: unknown, span: Span): void {
  if (error instanceof RunFailure || error instanceof ScriptProblem || error instanceof UnsupportedFeature) {
    error.span ??= span;
  }
}

/** A result in the making. */
class Draft {
  ipVersion: IpVersion;
  target: string;
  machine: Machine | null = null;
  private readonly file: string;
  private readonly record: boolean;
  private readonly spent: () => number;

  constructor(file: string, options: RunOptions, spent: () => number) {
    this.file = file;
    this.ipVersion = options.ipVersion ?? 'ipv4';
    this.target = options.targetName ?? 'none';
    this.record = options.record ?? true;
    this.spent = spent;
  }

  passed(): RunResult {
    return this.result('passed', '', null);
  }

  failed(error: unknown): RunResult {
    if (error instanceof UnsupportedFeature) return this.result('skipped', error.message, null);
    const report = this.report(error);
    return this.result('failed', report.text, report);
  }

  private result(verdict: RunResult['verdict'], reason: string, failure: FailureReport | null): RunResult {
    const { machine } = this;
    if (machine && this.record) takeRest(machine);
    return {
      script: this.file,
      ipVersion: this.ipVersion,
      target: this.target,
      verdict,
      reason,
      failure,
      milliseconds: Math.round(this.spent() * 1000) / 1000,
      scriptMicroseconds: machine?.now() ?? 0,
      packets: this.record && machine ? machine.trace.packets : [],
      events: this.record && machine ? machine.trace.events : [],
      output: machine?.trace.output ?? [],
    };
  }

  private report(error: unknown): FailureReport {
    if (error instanceof RunFailure) return this.runFailure(error);
    const none = {
      field: null,
      expected: null,
      actual: null,
      scriptPacket: null,
      actualPackets: [],
      since: [],
    };
    if (error instanceof ScriptError) {
      return { kind: 'script', text: error.message, summary: error.problem, span: error.span, ...none };
    }
    if (error instanceof ScriptProblem) {
      const text = `${this.at(error.span)}: ${error.message}`;
      return { kind: 'script', text, summary: error.message, span: error.span, ...none };
    }
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const summary = error instanceof Error ? error.message : String(error);
    const span = this.machine?.current?.event.body.span ?? null;
    return { kind: 'internal', text: `${this.at(span)}: internal error: ${text}`, summary, span, ...none };
  }

  private at(span: Span | null): string {
    return span ? `${this.file}:${span.line}:${span.column}` : this.file;
  }

  private runFailure(error: RunFailure): FailureReport {
    const { details } = error;
    const since = this.machine?.trace.since() ?? [];
    const lines = [`${this.at(error.span)}: ${error.message}`];
    if (details.scriptPacket) lines.push(`  script packet: ${details.scriptPacket}`);
    for (const actual of details.actualPackets ?? []) lines.push(`  actual packet: ${actual}`);
    if (since.length > 0) lines.push('  since the last event that matched:', ...since.map((l) => `    ${l}`));
    else if (error.kind === 'packet') lines.push('  no packet since the last event that matched');
    return {
      kind: error.kind,
      text: lines.join('\n'),
      summary: error.message,
      span: error.span,
      field: details.field ?? null,
      expected: details.expected ?? null,
      actual: details.actual ?? null,
      scriptPacket: details.scriptPacket ?? null,
      actualPackets: details.actualPackets ?? [],
      since,
    };
  }
}
