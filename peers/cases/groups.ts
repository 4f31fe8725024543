// Multicast with the kernel: a bridge that passes groups only where they are reported, and a sender behind it.
import { IP_ADD_MEMBERSHIP, IP_DROP_MEMBERSHIP, SOL_IP } from '../../stack/socket/options.js';
import { parseAddress } from '../../stack/wire/address.js';
import { check, type PeerCase } from '../types.js';
import { eventually } from './common.js';

const GROUP = '239.1.2.3';

export const igmpSnooping: PeerCase = {
  name: 'igmp-snooping',
  about: 'IGMPv3 and IGMPv2: a snooping bridge learns the group, datagrams arrive, and stop when it is left',
  needs: ['ip', 'bridge', 'python3'],
  conditions: ['clean'],
  devices: ['tap', 'packet'],
  families: [4],
  async run(c) {
    const ip = (...args: string[]) => c.programs.run('ip', args);
    const own = [
      'mcast_snooping',
      '1',
      'mcast_querier',
      '1',
      'mcast_query_response_interval',
      '50',
      'mcast_query_interval',
      '100',
    ];
    const times = ['mcast_startup_query_interval', '100', 'mcast_last_member_interval', '20'];
    await ip('link', 'add', 'br0', 'type', 'bridge', ...own, ...times, 'mcast_igmp_version', '3');
    await ip('addr', 'flush', 'dev', c.device);
    await ip('addr', 'add', `${c.theirs}/24`, 'dev', 'br0');
    await ip('link', 'set', c.device, 'master', 'br0');
    await ip('link', 'set', 'br0', 'up');
    const known = async (): Promise<string> => {
      const { stdout } = await c.programs.run('bridge', ['-d', 'mdb', 'show']);
      return (
        stdout
          .toString()
          .split('\n')
          .find((line) => line.includes(`port ${c.device} grp ${GROUP}`)) ?? ''
      );
    };
    const fd = c.apps.udp(5000);
    const membership = Uint8Array.of(
      ...parseAddress(GROUP).subarray(12),
      ...parseAddress(c.ours).subarray(12),
    );
    const room = new Uint8Array(100);
    const sender = c.programs.python(
      `
d = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
d.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(A[0]))
say('ready')
for line in sys.stdin: d.sendto(line.strip().encode(), ('${GROUP}', 5000))
`,
      c.theirs,
    );
    await sender.says('ready');
    // What the stack says itself, by its type: 22 a version 3 report, 16 a version 2 report, 17 a leave.
    const watcher = c.programs.python(
      `
d = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3)); d.bind((A[0], 3))
say('ready')
while True:
    p, source = d.recvfrom(2000)
    if source[1] == 0x0800 and p[9] == 2 and p[12:16] == socket.inet_aton(A[1]): say('igmp', '%x' % p[(p[0] & 15) * 4])
`,
      c.device,
      c.ours,
    );
    await watcher.says('ready');
    for (const version of ['3', '2']) {
      await ip('link', 'set', 'br0', 'type', 'bridge', 'mcast_igmp_version', version);
      c.apps.ok('join', c.stack.posix.setsockopt(fd, SOL_IP, IP_ADD_MEMBERSHIP, membership));
      await eventually(
        c,
        `version ${version}: the bridge has the group`,
        async () => (await known()) !== '',
        12,
      );
      await watcher.says(version === '3' ? 'igmp 22' : 'igmp 16');
      await eventually(c, `version ${version}: a datagram to the group arrives`, async () => {
        sender.tell(`v${version}`);
        await c.sleep(50);
        return c.apps.readNow(fd, room) === 2;
      });
      check(room[1] === version.charCodeAt(0), 'another datagram');
      while (c.apps.readNow(fd, room) > 0);
      c.apps.ok('leave', c.stack.posix.setsockopt(fd, SOL_IP, IP_DROP_MEMBERSHIP, membership));
      await watcher.says(version === '3' ? 'igmp 22' : 'igmp 17');
      await eventually(c, `version ${version}: the group is left`, async () => (await known()) === '');
    }
    await c.apps.close(fd);
  },
};
