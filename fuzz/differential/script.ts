// A program with the kernel's reactions as a packetdrill script, and both traces beside each other below it.

import { printPacket } from '../../conformance/language/print-packet.js';
import { CONGESTION } from './calls.js';
import type { Divergence } from './compare.js';
import { packetOf } from './packets.js';
import type { CallRef, Observation, Program, Trace } from './program.js';

const seconds = (us: number): string => (us / 1e6).toFixed(6);

/** A line with its place in the timeline: at one moment the script's event comes first. */
interface Line {
  readonly at: number;
  readonly text: string;
}

/** The script. What the kernel sent and returned is what it expects; `sysctls` are set by its first command. */
export function scriptOf(
  program: Program,
  linux: Trace,
  stack: Trace,
  found: Divergence,
  sysctls: Readonly<Record<string, string>>,
): string {
  const set = Object.entries(sysctls).map(([name, value]) => `sysctl -q ${name}="${value}"`);
  const head = [
    `// The kernel and the stack differ: ${found.kind}`,
    `//   linux: ${found.linux}`,
    `//   stack: ${found.stack}`,
    ...(set.length > 0 ? ['', `\`${set.join(' && ')}\``] : []),
    '',
    ...opening(program),
  ];
  const lines = [...stepLines(program, linux), ...packetLines(linux)].sort((a, b) => a.at - b.at);
  const body = lines.map(({ at, text }) => `${seconds(at)} ${text}`);
  return `${[...head, ...body, '', ...bothTraces(linux, stack)].join('\n')}\n`;
}

function opening(program: Program): string[] {
  const lines = ['0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3', '0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0'];
  if (program.role === 'client') return lines;
  return [
    ...lines,
    '0 setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0',
    '0 bind(3, ..., ...) = 0',
    '0 listen(3, 8) = 0',
  ];
}

function stepLines(program: Program, trace: Trace): Line[] {
  const fd = program.role === 'client' ? 3 : 4;
  const values = trace.seen.flatMap((o) => (o.kind === 'packet' && o.tsVal !== null ? [o.tsVal] : []));
  return trace.steps.flatMap(({ at, action }, i) => {
    if (action.do !== 'call') {
      const packet = packetOf(action, (n) => values[n] ?? 0, program.family);
      return [{ at, text: printPacket(packet) }];
    }
    const seen = trace.seen.find((o) => o.kind === 'return' && o.step === i);
    const result = seen?.kind === 'return' ? seen.text : '';
    // A call on a connection that nobody accepted was not made.
    if (result === 'no descriptor') return [];
    return [{ at, text: callText(action, fd, result) }];
  });
}

function packetLines(trace: Trace): Line[] {
  return trace.seen.flatMap((o) => (o.kind === 'packet' ? [{ at: o.at, text: `> ${o.text}` }] : []));
}

const HOW = ['SHUT_RD', 'SHUT_WR', 'SHUT_RDWR'];

function callText(call: CallRef, fd: number, result: string): string {
  const [value, out] = [result.replace(/ \[.*/, ''), /\[(.*)\]/.exec(result)?.[1] ?? '0'];
  const level = call.option.startsWith('SO_') ? 'SOL_SOCKET' : 'SOL_TCP';
  const text = ((): string => {
    switch (call.name) {
      case 'write':
        return `send(${fd}, ..., ${call.value}, ${call.flags})`;
      case 'read':
        return `recv(${fd}, ..., ${call.value}, ${call.flags})`;
      case 'peek':
        return `recv(${fd}, ..., ${call.value}, MSG_PEEK)`;
      case 'close':
        return `close(${fd})`;
      case 'shutdown':
        return `shutdown(${fd}, ${HOW[call.value]})`;
      case 'accept':
        return 'accept(3, ..., ...)';
      case 'connect':
        return `connect(${fd}, ..., ...)`;
      case 'error':
        return `getsockopt(${fd}, SOL_SOCKET, SO_ERROR, [${out}], [4])`;
      case 'poll':
        return `poll([{fd=${fd}, events=POLLIN|POLLPRI|POLLOUT|POLLRDHUP, revents=${out}}], 1, 0)`;
      case 'inq':
        return `ioctl(${fd}, SIOCINQ, [${out}])`;
      case 'outq':
        return `ioctl(${fd}, SIOCOUTQ, [${out}])`;
      case 'set':
        if (call.option === 'TCP_CONGESTION') {
          const name = CONGESTION[call.value]!;
          return `setsockopt(${fd}, SOL_TCP, TCP_CONGESTION, "${name}", ${name.length})`;
        }
        return call.option === 'SO_LINGER'
          ? `setsockopt(${fd}, SOL_SOCKET, SO_LINGER, {onoff=1, linger=${call.value}}, 8)`
          : `setsockopt(${fd}, ${level}, ${call.option}, [${call.value}], 4)`;
      case 'get':
        return `getsockopt(${fd}, ${level}, ${call.option}, [${out}], [4])`;
    }
  })();
  if (value === 'a descriptor')
    return `${text} = 4\n${seconds(0).replace(/.*/, '+0')} fcntl(4, F_SETFL, O_RDWR|O_NONBLOCK) = 0`;
  return `${text} = ${value}`;
}

function bothTraces(linux: Trace, stack: Trace): string[] {
  const list = (o: Observation): string[] => {
    if (o.kind === 'info') return [];
    return [`${seconds(o.at)} ${o.kind === 'packet' ? `> ${o.text}` : `= ${o.text}`}`];
  };
  return [
    '// What the kernel did:',
    ...linux.seen.flatMap(list).map((l) => `//   ${l}`),
    '// What the stack did:',
    ...stack.seen.flatMap(list).map((l) => `//   ${l}`),
  ];
}
