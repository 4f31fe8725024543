// `netchannel convert`: a stream of a capture as a packetdrill script, or a capture as another capture, on request with
// nothing in it that anybody said.

import { writeFileSync } from 'node:fs';
import { extname } from 'node:path';
import { Command, Option } from 'commander';
import { Anonymiser } from '../captures/anonymise.js';
import { convertStream } from '../captures/convert/script.js';
import { CaptureError } from '../captures/errors.js';
import { readCapture, STANDARD_INPUT } from '../captures/read/open.js';
import { collect, type Recording } from '../captures/replay/recording.js';
import { NotReplayable, type Role } from '../captures/replay/situation.js';
import { CaptureFile } from '../captures/write/file.js';
import { EXIT_FAILED, EXIT_OK, EXIT_USAGE, UsageError } from './exit.js';
import { frameProgress } from './frames.js';
import { streamNumber } from './replay.js';

/** The stack with the ticks that many distributions' kernels have. */
const SLOW_TICK = 'stack:hz=250';

interface ConvertFlags {
  readonly output?: string;
  readonly stream: string;
  readonly as: Role;
  readonly anonymise?: true;
  readonly run: boolean;
}

export function convertCommand(): Command {
  return new Command('convert')
    .description('Make a packetdrill script of a recorded TCP stream, or an anonymous capture of a capture')
    .argument('<capture>', 'a pcap or pcapng file, in gzip or not; - reads standard input')
    .option(
      '-o, --output <file>',
      'SCRIPT.pkt (default: standard output), or OUT.pcap or OUT.pcapng for a capture',
    )
    .option('--stream <n>', "the stream by its number (Wireshark's tcp.stream)", '0')
    .addOption(
      new Option('--as <side>', 'the side that the script tests')
        .choices(['client', 'server'])
        .default('server'),
    )
    .option(
      '--anonymise',
      'for captures: stand-ins for addresses, zeros for all that was said, right checksums',
    )
    .option('--no-run', 'do not run the script on the embedded stack')
    .addHelpText(
      'after',
      `
A script tests the side that it is made for as well as the capture shows what that side did: best when the capture was
taken on its own host. Notes in the script's head say what is estimated or made up. The script is run on the embedded stack
before the command ends: one that does not pass is written all the same, the difference is told, and the exit status is 1.

  netchannel convert trace.pcap --stream 2 -o trace.pkt && netchannel conform trace.pkt
  netchannel convert trace.pcapng --anonymise -o shared.pcapng`,
    )
    .exitOverride()
    .action(async (path: string, flags: ConvertFlags) => {
      process.exitCode = await convert(path, flags);
    });
}

async function convert(path: string, flags: ConvertFlags): Promise<number> {
  try {
    const kind = extname(flags.output ?? '.pkt');
    if (kind === '.pcap' || kind === '.pcapng') return await rewrite(path, flags);
    if (flags.anonymise)
      throw new UsageError('--anonymise makes a capture: name one with -o OUT.pcap or OUT.pcapng');
    return await script(path, flags);
  } catch (error) {
    const known = error instanceof UsageError || error instanceof CaptureError || isSystemError(error);
    if (!known) throw error;
    process.stderr.write(`netchannel convert: ${(error as Error).message}\n`);
    return EXIT_USAGE;
  }
}

const isSystemError = (error: unknown): boolean => error instanceof Error && 'syscall' in error;

async function rewrite(path: string, flags: ConvertFlags): Promise<number> {
  if (flags.anonymise && path === STANDARD_INPUT)
    throw new UsageError('--anonymise reads a capture twice: name a file');
  const anonymiser = flags.anonymise ? new Anonymiser() : null;
  // Twice: a fragmented packet's checksum depends on its last piece.
  if (anonymiser) for await (const frame of readCapture(path)) anonymiser.learn(frame);
  const out = new CaptureFile(flags.output!);
  let frames = 0;
  try {
    for await (const frame of readCapture(path)) {
      out.write(anonymiser ? anonymiser.frame(frame) : frame);
      frames++;
    }
  } finally {
    out.close();
  }
  process.stderr.write(`${flags.output}: ${frames} frames${anonymiser ? ', anonymous' : ''}\n`);
  return EXIT_OK;
}

async function script(path: string, flags: ConvertFlags): Promise<number> {
  const wanted = streamNumber(flags.stream);
  if (wanted === undefined) throw new UsageError('--stream: one number; a script is of one stream');
  const found: Recording[] = [];
  const { onFrames, clear } = frameProgress(path);
  await collect(path, (recording) => found.push(recording), { stream: wanted, onFrames });
  clear();
  if (found.length === 0) throw new UsageError(`${path}: no stream ${wanted} in it`);
  try {
    const { text, notes, incomplete } = convertStream(path, found[0]!, flags.as);
    if (flags.output === undefined) process.stdout.write(text);
    else writeFileSync(flags.output, text);
    for (const note of notes) process.stderr.write(`note: ${note}\n`);
    if (!flags.run) return EXIT_OK;
    const reason = await differenceOf(text, flags.output ?? 'script', found[0]!.ipv6);
    if (reason === null) return EXIT_OK;
    if ((await differenceOf(text, flags.output ?? 'script', found[0]!.ipv6, SLOW_TICK)) === null) {
      process.stderr.write(
        `note: it passes where timers run on the ticks of a kernel with HZ=250: --target ${SLOW_TICK}\n`,
      );
      return EXIT_OK;
    }
    const what = incomplete
      ? 'the capture lacks too much (see the notes) for a script that passes'
      : 'the script does not pass on this stack';
    process.stderr.write(`netchannel convert: ${what}: ${reason}\n`);
    return EXIT_FAILED;
  } catch (error) {
    if (!(error instanceof NotReplayable)) throw error;
    process.stderr.write(`netchannel convert: ${path}, stream ${wanted}: ${error.message}\n`);
    return EXIT_FAILED;
  }
}

/** What the stack does in another way than the recorded host, as far as the script knows why; null: nothing. */
async function differenceOf(
  text: string,
  file: string,
  ipv6: boolean,
  name = 'stack',
): Promise<string | null> {
  const { runScript } = await import('../conformance/runner/run.js');
  const { targetFactory } = await import('../conformance/targets/registry.js');
  const target = await targetFactory(name);
  const { verdict, reason } = await runScript(text, { target, file, ipVersion: ipv6 ? 'ipv6' : 'ipv4' });
  return verdict === 'passed' ? null : reason;
}
