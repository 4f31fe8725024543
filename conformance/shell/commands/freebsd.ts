// FreeBSD's commands that scripts of the nplab dialect use. `sockstat` and `tcpdrop` work where the target can tell; the
// rest is known by name, so that a script is told apart from one with a mistake in it.

import { type BuiltIn, badArguments, type CommandContext, integerArgument } from '../command.js';
import { ShellError } from '../errors.js';

/** `sockstat [-46clnqs]`: one line a socket. `-4` and `-6` choose versions, `-l` listeners, `-c` connections. */
export const sockstat: BuiltIn = (context) => {
  let letters = '';
  for (const arg of context.args) {
    if (!/^-[46clnqs]+$/.test(arg)) throw badArguments(context, `'${arg}' is not supported`);
    letters += arg.slice(1);
  }
  const { host } = context;
  if (host.sockets === undefined) throw lacking(context);
  const has = (letter: string) => letters.includes(letter);
  if (!has('q')) context.out('PROTO  FD   LOCAL ADDRESS          FOREIGN ADDRESS        STATE\n');
  for (const socket of host.sockets()) {
    if (has('4') !== has('6') && !socket.protocol.endsWith(has('4') ? '4' : '6')) continue;
    const listens = socket.remote === '*:*';
    if (has('l') !== has('c') && listens !== has('l')) continue;
    const columns = [socket.protocol.padEnd(6), String(socket.fd).padEnd(4), socket.local.padEnd(22)];
    context.out(`${[...columns, socket.remote.padEnd(22), socket.state].join(' ').trimEnd()}\n`);
  }
  return 0;
};

/** `tcpdrop LOCAL-ADDRESS LOCAL-PORT FOREIGN-ADDRESS FOREIGN-PORT` */
export const tcpdrop: BuiltIn = (context) => {
  if (context.host.dropConnection === undefined) throw lacking(context);
  const [localAddress, localPort, remoteAddress, remotePort, ...rest] = context.args;
  if (localAddress === undefined || remoteAddress === undefined || rest.length > 0) {
    throw badArguments(context, 'a local address and port and a foreign address and port are needed');
  }
  context.host.dropConnection({
    localAddress,
    localPort: integerArgument(context, localPort, 'local port'),
    remoteAddress,
    remotePort: integerArgument(context, remotePort, 'foreign port'),
  });
  return 0;
};

/** `kldload` and its like. */
export const freebsdOnly: BuiltIn = (context) => {
  throw lacking(context);
};

function lacking({ name, place }: CommandContext): ShellError {
  return new ShellError('LACKING', `FreeBSD's command ${name}`, place, name);
}

/** FreeBSD's trees of sysctls that Linux has not. */
export function isFreebsdSysctl(name: string): boolean {
  return /^(kern|net\.inet6?|hw|vfs|security)\./.test(name);
}
