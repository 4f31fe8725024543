// A flood of SYNs whose senders do not exist, and a real client in the middle of it.
import { check, type PeerCase } from '../types.js';
import { eventually, ours } from './common.js';

const BACKLOG = 16;

export const synFlood: PeerCase = {
  name: 'syn-flood',
  about: 'thousands of SYNs from addresses that never answer: cookies, and a real client still gets through',
  needs: ['python3'],
  conditions: ['clean'],
  soak: ['clean'],
  // The flood is raw Ethernet frames.
  devices: ['tap', 'packet'],
  async run(c) {
    const listener = c.apps.listen(80, { backlog: BACKLOG });
    const hardware = [...c.hardwareAddress].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
    // Raw SYNs from our own sender: every address of a range, every one with options, as a kernel's would have.
    const flood = c.programs.python(
      `
dst = A[0]; six = ':' in dst
fam = socket.AF_INET6 if six else socket.AF_INET
pack = lambda a: socket.inet_pton(fam, a)
r = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)); r.bind((A[1], 0))
def csum(b):
    if len(b) % 2: b += b'\\0'
    n = sum(struct.unpack('!%dH' % (len(b) // 2), b))
    while n >> 16: n = (n & 65535) + (n >> 16)
    return 65535 - n
mac = bytes(int(x, 16) for x in A[2].split(':')); own = open('/sys/class/net/%s/address' % A[1]).read().strip() if os.path.exists('/sys/class/net/%s' % A[1]) else '02:00:00:00:00:01'
own = bytes(int(x, 16) for x in own.split(':'))
opts = bytes([2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7])
enough = threading.Event(); half = int(A[3]) // 2
for i in itertools.count():
    if i >= 2 * half and enough.is_set(): break
    src = pack('2001:db8::%x:%x' % (1 + i // 60000, 16 + i % 60000)) if six else bytes([192, 0, 2, 10 + i % 200])
    t = struct.pack('!HHIIBBHHH', 1024 + i % 60000, 80, i * 7919 & 0xffffffff, 0, (20 + len(opts)) // 4 << 4, 2, 64240, 0, 0) + opts
    pseudo = src + pack(dst) + (struct.pack('!II', len(t), 6) if six else struct.pack('!BBH', 0, 6, len(t)))
    t = t[:16] + struct.pack('!H', csum(pseudo + t)) + t[18:]
    if six: p = struct.pack('!IHBB', 6 << 28, len(t), 6, 64) + src + pack(dst) + t
    else:
        h = struct.pack('!BBHHHBBH4s4s', 0x45, 0, 20 + len(t), i & 65535, 0, 64, 6, 0, src, pack(dst))
        p = h[:10] + struct.pack('!H', csum(h)) + h[12:] + t
    while True:
        try: r.send(mac + own + (b'\\x86\\xdd' if six else b'\\x08\\0') + p); break
        except OSError: time.sleep(0.001)
    # As fast as a machine can, it would fill the device's queue for good, and nothing else would ever come through.
    if i % 32 == 0: time.sleep(0.001)
    if i == half:
        say('half'); sys.stdin.readline()
        threading.Thread(target=lambda: (sys.stdin.readline(), enough.set()), daemon=True).start()
say('sent')
`,
      c.ours,
      c.device,
      hardware,
      c.scale === 'soak' ? 200_000 : 4000,
    );
    await flood.says('half');
    // A flood faster than we read keeps the device's queue full, and of what it drops only TCP's segments are sent again for
    // long: three lost ARP requests would be "no route to host". The case is about cookies.
    const neighbour = ['lladdr', hardware, 'dev', c.device, 'nud', 'permanent'];
    await c.programs.run('ip', ['neigh', 'replace', c.ours, ...neighbour]);
    const client = c.programs.python(
      `
while True:
    try:
        s = connect(A[0], 80); s.sendall(b'real'); s.shutdown(socket.SHUT_WR); say('answer', s.recv(100)); break
    # Where the flood's queue has dropped what came before, the FIN's number fits no cookie, and that is reset, as by Linux.
    except ConnectionResetError: pass
`,
      c.ours,
    );
    flood.tell('go on');
    const fd = await c.apps.accept(listener);
    check((await c.apps.readAll(fd)).toString() === 'real', 'the real client');
    await c.apps.write(fd, Buffer.from('welcome'));
    await c.apps.close(fd);
    check((await client.says('answer')) === "b'welcome'", `the real client: ${client.output()}`);
    // Until now SYNs came, so that the client's found the queue full.
    flood.tell('enough');
    await flood.says('sent');
    const sent = ours(c, 'TcpExtSyncookiesSent');
    // What comes faster than we read finds the device's ring full and was never here.
    check(sent > 10 * BACKLOG, `${sent} cookies sent`);
    check(ours(c, 'TcpExtSyncookiesRecv') === 1, `${ours(c, 'TcpExtSyncookiesRecv')} cookies came back`);
    check(c.stack.usage().requests <= 64, `${c.stack.usage().requests} half-open connections kept`);
    c.note(`${sent} cookies, ${c.stack.usage().requests} requests kept`);
    await c.apps.close(listener);
  },
};

/** Never anybody's: its ARP is not answered. */
const NOBODY = '192.0.2.250';

export const hpingFlood: PeerCase = {
  name: 'hping3-flood',
  about: 'hping3 sends 5,000 SYNs a second from an address that nobody has; the same must hold',
  needs: ['hping3', 'python3'],
  families: [4],
  conditions: ['clean'],
  // hping3 builds IP packets: any device does.
  async run(c) {
    const listener = c.apps.listen(80, { backlog: BACKLOG });
    const aim = ['-a', NOBODY, '-I', c.device, '-p', '80', c.ours];
    const flood = c.programs.start('hping3', ['-q', '-S', '-i', 'u200', ...aim]);
    await eventually(c, 'no cookies are sent', () => ours(c, 'TcpExtSyncookiesSent') >= 10 * BACKLOG);
    const client = c.programs.python(
      `s = connect(A[0], 80); s.sendall(b'real'); s.shutdown(socket.SHUT_WR); say('answer', s.recv(100))`,
      c.ours,
    );
    const fd = await c.apps.accept(listener);
    check((await c.apps.readAll(fd)).toString() === 'real', 'the real client');
    await c.apps.write(fd, Buffer.from('welcome'));
    await c.apps.close(fd);
    check((await client.says('answer')) === "b'welcome'", `the real client: ${client.output()}`);
    flood.process.kill('SIGINT');
    await flood.finished;
    check(ours(c, 'TcpExtSyncookiesRecv') === 1, `${ours(c, 'TcpExtSyncookiesRecv')} cookies came back`);
    check(c.stack.usage().requests <= BACKLOG + 1, `${c.stack.usage().requests} half-open connections kept`);
    c.note(`${ours(c, 'TcpExtSyncookiesSent')} cookies`);
    await c.apps.close(listener);
  },
};
