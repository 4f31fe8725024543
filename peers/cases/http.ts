// HTTP both ways: curl against a small server on the stack, and a small client on the stack against nginx.

import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pattern } from '../applications.js';
import { check, type PeerCase, type PeerContext } from '../types.js';
import { bracketed, untilListening } from './common.js';

/** Serves `body` for GET, and echoes the length of what is posted, until the listener is closed; keep-alive. */
async function serve(c: PeerContext, listener: number, body: Uint8Array, count: number): Promise<void> {
  const { apps } = c;
  for (let served = 0; served < count; ) {
    const fd = await apps.accept(listener);
    let pending = Buffer.alloc(0);
    const room = Buffer.alloc(65_536);
    for (;;) {
      let end = pending.indexOf('\r\n\r\n');
      while (end < 0) {
        const got = await apps.read(fd, room);
        if (got === 0) break;
        pending = Buffer.concat([pending, room.subarray(0, got)]);
        end = pending.indexOf('\r\n\r\n');
      }
      if (end < 0) break;
      const head = pending.toString('latin1', 0, end);
      const length = Number(/content-length: *(\d+)/i.exec(head)?.[1] ?? 0);
      if (/expect: 100-continue/i.test(head))
        await apps.write(fd, Buffer.from('HTTP/1.1 100 Continue\r\n\r\n'));
      let posted = pending.subarray(end + 4);
      if (posted.length < length) {
        posted = Buffer.concat([posted, await apps.readAll(fd, length - posted.length)]);
      }
      pending = Buffer.from(posted.subarray(length));
      const sum = createHash('sha256').update(posted.subarray(0, length)).digest('hex');
      const answer = head.startsWith('POST') ? Buffer.from(`${length} ${sum}\n`) : body;
      const text = `HTTP/1.1 200 OK\r\nContent-Length: ${answer.length}\r\n\r\n`;
      await apps.write(fd, Buffer.from(text));
      await apps.write(fd, answer);
      served++;
    }
    await apps.close(fd);
  }
}

export const curlGets: PeerCase = {
  name: 'http-server',
  about: 'curl fetches and posts, several requests a connection, from a server on the stack',
  needs: ['curl'],
  async run(c) {
    const body = pattern(300_000, 11);
    const listener = c.apps.listen(80);
    const url = `http://${bracketed(c.ours)}/`;
    const serving = serve(c, listener, body, 4);
    const flags = ['-sS', '-g', '--max-time', '20', '--noproxy', '*'];
    const got = await c.programs.run('curl', [...flags, url, url, url]);
    check(got.stdout.length === 3 * body.length, `${got.stdout.length} bytes of three pages`);
    for (let i = 0; i < 3; i++) {
      const page = got.stdout.subarray(i * body.length, (i + 1) * body.length);
      check(Buffer.compare(page, body) === 0, `page ${i} differs`);
    }
    const post = pattern(200_000, 12);
    const said = await c.programs.run('curl', [...flags, '--data-binary', '@-', url], { input: post });
    const sum = createHash('sha256').update(post).digest('hex');
    check(said.stdout.toString() === `${post.length} ${sum}\n`, `posted: ${said.stdout.toString()}`);
    await serving;
    await c.apps.close(listener);
  },
};

export const getsFromNginx: PeerCase = {
  name: 'http-client',
  about: 'a client on the stack fetches a file from nginx, pipelined, over one connection',
  needs: ['nginx', 'ss'],
  async run(c) {
    const folder = mkdtempSync(join(tmpdir(), 'netchannel-nginx-'));
    const body = pattern(400_000, 13);
    try {
      writeFileSync(join(folder, 'file'), body);
      const config = `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error;
        events { worker_connections 64; }
        http { access_log off; sendfile on; client_body_temp_path ${folder}/b; proxy_temp_path ${folder}/p;
          fastcgi_temp_path ${folder}/f; scgi_temp_path ${folder}/s; uwsgi_temp_path ${folder}/u;
          server { listen ${bracketed(c.theirs)}:80; root ${folder}; default_type text/plain; } }`;
      writeFileSync(join(folder, 'conf'), config);
      c.programs.start('nginx', ['-p', folder, '-c', join(folder, 'conf')]);
      await untilListening(c, 80);
      const fd = await c.apps.connect(c.theirs, 80);
      const request = 'GET /file HTTP/1.1\r\nHost: peer\r\n\r\n';
      const last = request.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n');
      await c.apps.write(fd, Buffer.from(request + request + last));
      const got = await c.apps.readAll(fd);
      let at = 0;
      for (let i = 0; i < 3; i++) {
        const end = got.indexOf('\r\n\r\n', at) + 4;
        check(
          got.toString('latin1', at, at + 15) === 'HTTP/1.1 200 OK',
          `answer ${i}: ${got.toString('latin1', at, at + 40)}`,
        );
        check(Buffer.compare(got.subarray(end, end + body.length), body) === 0, `file ${i} differs`);
        at = end + body.length;
      }
      check(at === got.length, `${got.length - at} bytes too many`);
      await c.apps.close(fd);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
