// `netchannel convert`: a stream of a capture as a packetdrill script, or a capture as another capture, on request with
// nothing in it that anybody said.

import { extname } from 'node:path';
import { Command, Option } from 'commander';
import { Anonymiser } from '../captures/anonymise.js';
import { CaptureError } from '../captures/errors.js';
import { readCapture, STANDARD_INPUT } from '../captures/read/open.js';
import { CaptureFile } from '../captures/write/file.js';
import { convertAll, convertOne, type ScriptFlags } from './convert-streams.js';
import { EXIT_OK, EXIT_USAGE, UsageError } from './exit.js';
import { streamNumber } from './replay.js';

interface ConvertFlags extends ScriptFlags {
  readonly stream: string;
  readonly anonymise?: true;
}

export function convertCommand(): Command {
  return new Command('convert')
    .description('Make a packetdrill script of a recorded TCP stream, or an anonymous capture of a capture')
    .argument('<capture>', 'a pcap or pcapng file, in gzip or not; - reads standard input')
    .option(
      '-o, --output <file>',
      'SCRIPT.pkt (default: standard output), a folder for all streams, or OUT.pcap or OUT.pcapng for a capture',
    )
    .option('--stream <n>', "the stream by its number (Wireshark's tcp.stream), or all", '0')
    .addOption(
      new Option('--as <side>', 'the side that the script tests')
        .choices(['client', 'server', 'both'])
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
With --stream all, sides that cannot be told at all are listed, and are no failure. Exit status 2: the capture cannot be read to
its end (what came before that is converted), or the usage is wrong.

  netchannel convert trace.pcap --stream 2 -o trace.pkt && netchannel conform trace.pkt
  netchannel convert trace.pcapng --stream all --as both -o scripts
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
  if (anonymiser && anonymiser.emptied > 0)
    process.stderr.write(
      `${flags.output}: ${anonymiser.emptied} packets of tunnels are zeros inside: the streams in them are not in it\n`,
    );
  return EXIT_OK;
}

async function script(path: string, flags: ConvertFlags): Promise<number> {
  const stream = streamNumber(flags.stream);
  return stream === undefined ? await convertAll(path, flags) : await convertOne(path, stream, flags);
}
