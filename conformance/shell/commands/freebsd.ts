// FreeBSD's commands that scripts of the nplab dialect use: `sockstat`, `tcpdrop`.

import { type BuiltIn, badArguments, integerArgument } from '../command.js';
import { ShellError } from '../errors.js';

/** `sockstat [-46clnqs]`: one line a socket. `-4` and `-6` choose versions, `-l` listeners, `-c` connections. */
export const sockstat: BuiltIn = (context) => {
  let letters = '';
  for (const arg of context.args) {
    if (!/^-[46clnqs]+$/.test(arg)) throw badArguments(context, `'${arg}' is not supported`);
    letters += arg.slice(1);
  }
  const { host } = context;
  if (host.sockets === undefined) throw missing(context.place, context.name);
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
  const [localAddress, localPort, remoteAddress, remotePort, ...rest] = context.args;
  if (localAddress === undefined || remoteAddress === undefined || rest.length > 0) {
    throw badArguments(context, 'a local address and port and a foreign address and port are needed');
  }
  if (context.host.dropConnection === undefined) throw missing(context.place, context.name);
  context.host.dropConnection({
    localAddress,
    localPort: integerArgument(context, localPort, 'local port'),
    remoteAddress,
    remotePort: integerArgument(context, remotePort, 'foreign port'),
  });
  return 0;
};

function missing(place: ShellError['place'], name: string): ShellError {
  return new ShellError('HOST', `${name}: this target has no such thing`, place, name);
}
