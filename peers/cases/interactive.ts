// A shell on a pseudo terminal at the kernel's end, typed at key by key: small segments both ways, each waited for.
import { check, type PeerCase } from '../types.js';
import { bracketed, untilListening } from './common.js';

const KEYS = 'echo $((6 * 7))-done\n';

export const interactive: PeerCase = {
  name: 'interactive',
  about:
    'a shell on a terminal behind socat: each key is echoed before the next is typed, then it answers and ends',
  needs: ['socat', 'ss', 'sh'],
  async run(c) {
    const where = `TCP${c.family}-LISTEN:2323,bind=${bracketed(c.theirs)},reuseaddr,nodelay`;
    const shell = c.programs.start('socat', [where, 'EXEC:sh,pty,setsid,ctty,stderr,echo=1']);
    await untilListening(c, 2323);
    const fd = await c.apps.connect(c.theirs, 2323);
    let seen = '';
    const until = async (wanted: () => boolean): Promise<void> => {
      while (!wanted()) {
        const more = (await c.apps.readAll(fd, 1)).toString('latin1');
        check(more !== '', `the shell ended after: ${seen}`);
        seen += more;
      }
    };
    await until(() => /[#$] $/.test(seen));
    let from = seen.length;
    for (const key of KEYS) {
      await c.apps.write(fd, Buffer.from(key));
      await until(() => seen.length > from);
      check(seen[from] === (key === '\n' ? '\r' : key), `"${key}" was echoed as "${seen.slice(from)}"`);
      from++;
    }
    await until(() => seen.includes('42-done'));
    await c.apps.write(fd, Buffer.from('exit\n'));
    seen += (await c.apps.readAll(fd)).toString('latin1');
    check(seen.includes('exit'), 'the last line was echoed');
    await c.apps.close(fd);
    await shell.finished;
  },
};
