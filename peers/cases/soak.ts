// 10 GiB each way under loss, in one connection. Only in the long form; jumbo frames, so that it ends within the hour on
// a small machine.
import { check, type PeerCase, type PeerContext } from '../types.js';
import { negotiated } from './common.js';

const BYTES = 10 * 2 ** 30;
const MTU = 9000;

const rate = (ms: number): string => `${(BYTES / 1e3 / ms).toFixed(1)} MB/s`;

/** The kernel end's retransmits, as a note. */
async function retransmits(c: PeerContext): Promise<string> {
  const n = await c.programs.nstat();
  return `${n.TcpRetransSegs} retransmits, ${n.TcpExtTCPTimeouts} timeouts; damaged ${n.TcpInErrs}, out of order ${n.TcpExtTCPOFOQueue}`;
}

export const soakReceive: PeerCase = {
  name: 'soak-receive',
  about: 'the kernel sends 10 GiB to a listener on the stack; the SHA-256 must match',
  needs: ['python3', 'ss', 'nstat'],
  conditions: [],
  soak: ['lossy'],
  mtu: MTU,
  async run(c) {
    const listener = c.apps.listen(5001);
    const client = c.programs.python(
      `
s = connect(A[0], 5001, timeout=None); left = int(A[1])
block = bytes((i * 31 + i // 251 + i // 65537) & 255 for i in range(1 << 20)); h = hashlib.sha256()
while left:
    b = block[:min(left, 1 << 20)]; s.sendall(b); h.update(b); left -= len(b)
s.shutdown(socket.SHUT_WR); say('sum', h.hexdigest()); sys.stdin.readline()
`,
      c.ours,
      BYTES,
    );
    const fd = await c.apps.accept(listener);
    const options = await negotiated(c, 5001);
    const got = await c.apps.sink(fd);
    check(got.bytes === BYTES, `${got.bytes} bytes of ${BYTES}`);
    check((await client.says('sum')) === got.sha256, 'the SHA-256 differs');
    c.note(`${got.bytes} bytes, ${rate(got.time)}, SHA-256 ${got.sha256}`);
    c.note(`kernel: ${options}; ${await retransmits(c)}`);
    client.tell('');
    await c.apps.close(fd);
    await c.apps.close(listener);
  },
};

export const soakSend: PeerCase = {
  name: 'soak-send',
  about: 'the stack sends 10 GiB to the kernel; the SHA-256 must match',
  needs: ['python3', 'ss', 'nstat'],
  conditions: [],
  soak: ['lossy'],
  mtu: MTU,
  async run(c) {
    const server = c.programs.python(
      `
l = listen(A[0], 5002)
s, _ = l.accept(); s.settimeout(None)
h = hashlib.sha256(); n = recv_all(s, h)
say('sum', n, h.hexdigest())
`,
      c.theirs,
    );
    await server.says('listening');
    const fd = await c.apps.connect(c.theirs, 5002);
    const sent = await c.apps.source(fd, BYTES, 3);
    const info = c.stack.posix.tcpInfo(fd);
    const [bytes, sum] = (await server.says('sum')).split(' ');
    check(Number(bytes) === BYTES, `${bytes} bytes of ${BYTES}`);
    check(sum === sent.sha256, 'the SHA-256 differs');
    c.note(`${bytes} bytes, ${rate(sent.time)}, SHA-256 ${sum}`);
    c.note(`ours: ${info.tcpi_total_retrans} retransmits, mss ${info.tcpi_snd_mss}, rtt ${info.tcpi_rtt} µs`);
    c.note(`kernel: ${await retransmits(c)}`);
    await c.apps.close(fd);
  },
};
