// Bulk transfers with hashes, both ways and both roles, against socat and Python.
import { createHash } from 'node:crypto';
import { pattern } from '../applications.js';
import { check, type PeerCase, type PeerContext } from '../types.js';
import { bracketed, negotiated, untilListening } from './common.js';

const MIB = 1 << 20;
const size = (c: PeerContext): number => (c.condition === 'clean' ? 16 : 2) * MIB;
const rate = (bytes: number, ms: number): string => `${(bytes / 1e3 / ms).toFixed(1)} MB/s`;

export const bulkFromKernel: PeerCase = {
  name: 'bulk-receive',
  about: 'socat sends to a listener on the stack; the SHA-256 must match',
  needs: ['socat', 'ss', 'nstat'],
  async run(c) {
    const listener = c.apps.listen(5001);
    const bytes = Buffer.from(pattern(MIB, 7));
    const count = size(c) / MIB;
    const hash = createHash('sha256');
    for (let i = 0; i < count; i++) hash.update(bytes);
    const program = c.programs.start('socat', [
      '-u',
      '-b',
      '65536',
      'STDIN',
      `TCP:${bracketed(c.ours)}:5001`,
    ]);
    const fd = await c.apps.accept(listener);
    const feed = (async () => {
      for (let i = 0; i < count; i++) {
        if (!program.process.stdin!.write(bytes)) {
          await new Promise((resolve) => program.process.stdin!.once('drain', resolve));
        }
        if (i === 0) {
          const options = await negotiated(c, 5001);
          c.note(`kernel: ${options}`);
          check(/\bts\b/.test(options), `no timestamps in "${options}"`);
          check(/\bsack\b/.test(options), `no SACK in "${options}"`);
          check(/wscale:\d+,\d+/.test(options), `no window scale in "${options}"`);
        }
      }
      program.process.stdin!.end();
    })();
    const got = await c.apps.sink(fd);
    await feed;
    const { status, stderr } = await program.finished;
    check(status === 0, `socat: ${status} ${stderr}`);
    check(got.bytes === size(c), `${got.bytes} bytes of ${size(c)}`);
    check(got.sha256 === hash.digest('hex'), 'the SHA-256 differs');
    const n = await c.programs.nstat();
    c.note(
      `${rate(got.bytes, got.time)}; kernel: ${n.TcpRetransSegs} retransmits, ${n.TcpExtTCPLossProbes} of them loss probes, ` +
        `${n.TcpExtTCPTimeouts} timeouts, ${n.TcpExtTCPDSACKRecv} DSACKs received`,
    );
    // A loss probe only says that an ACK came late: both ends share two processors with everything else.
    const lost = n.TcpRetransSegs - n.TcpExtTCPLossProbes;
    if (c.condition === 'clean') check(lost <= 0, `${lost} retransmits on a clean link`);
    await c.apps.close(fd);
    await c.apps.close(listener);
  },
};

export const bulkToKernel: PeerCase = {
  name: 'bulk-send',
  about: 'the stack connects and sends to a Python sink; the SHA-256 must match',
  needs: ['python3', 'ss', 'nstat'],
  async run(c) {
    const server = c.programs.python(
      `
l = listen(A[0], 5002)
s, _ = l.accept()
h = hashlib.sha256(); t = time.time(); n = recv_all(s, h)
say('sum', n, h.hexdigest())
`,
      c.theirs,
    );
    await server.says('listening');
    const fd = await c.apps.connect(c.theirs, 5002);
    const sent = await c.apps.source(fd, size(c), 3);
    const info = c.stack.posix.tcpInfo(fd);
    const [bytes, sum] = (await server.says('sum')).split(' ');
    check(Number(bytes) === size(c), `${bytes} bytes of ${size(c)}`);
    check(sum === sent.sha256, 'the SHA-256 differs');
    c.note(
      `${rate(size(c), sent.time)}; ours: ${info.tcpi_total_retrans} retransmits, mss ${info.tcpi_snd_mss}, rtt ${info.tcpi_rtt} µs, cwnd ${info.tcpi_snd_cwnd}`,
    );
    if (c.condition === 'clean') {
      const lost = info.tcpi_total_retrans - (c.stack.counters.get('TcpExtTCPLossProbes') ?? 0);
      check(lost <= 0, `${lost} retransmits on a clean link`);
    }
    const { TcpInErrs, TcpExtTCPOFOQueue = 0 } = await c.programs.nstat();
    check(TcpInErrs === 0, `the kernel counts ${TcpInErrs} damaged segments`);
    c.note(`kernel: ${TcpExtTCPOFOQueue} segments out of order`);
    await c.apps.close(fd);
  },
};

export const duplex: PeerCase = {
  name: 'bulk-duplex',
  about: 'both directions at once over one connection, echoed by socat',
  needs: ['socat'],
  async run(c) {
    const bytes = size(c) / 2;
    const server = c.programs.start('socat', [
      '-b',
      '65536',
      `TCP${c.family}-LISTEN:5003,bind=${bracketed(c.theirs)},reuseaddr`,
      'EXEC:/bin/cat',
    ]);
    await untilListening(c, 5003);
    const fd = await c.apps.connect(c.theirs, 5003);
    const [sent, got] = await Promise.all([c.apps.source(fd, bytes, 5), c.apps.sink(fd)]);
    check(got.bytes === bytes, `${got.bytes} bytes of ${bytes} came back`);
    check(got.sha256 === sent.sha256, 'the SHA-256 differs');
    c.note(`${rate(bytes, got.time)} each way`);
    await c.apps.close(fd);
    await server.finished;
  },
};
