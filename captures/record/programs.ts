// Programs and wires that several situations of the corpus share.

import type { Impairment } from './wire.js';

/** Addresses of client and server. */
export const ADDRESSES = {
  4: ['10.99.0.1', '10.99.0.2'],
  6: ['fd99::1', 'fd99::2'],
} as const;

/** A Python program for one end: `S(family)` is a socket, `H` the server's address, both TCP and with cubic. */
export const python = (body: string, six = false): string => {
  const [family, host] = six ? ['AF_INET6', ADDRESSES[6][1]] : ['AF_INET', ADDRESSES[4][1]];
  return `python3 -u - <<'END'
import socket, time, struct
H=('${host}', 8123)
def S():
    s=socket.socket(socket.${family}, socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.setsockopt(6, 13, b'cubic')
    return s
def L(**o):
    s=S()
    for k,v in o.items(): s.setsockopt(socket.SOL_SOCKET, getattr(socket,k), v)
    s.bind(H); s.listen(5); return s
def C():
    s=S(); s.connect(H); return s
def drain(s):
    n=0
    while True:
        d=s.recv(65536)
        if not d: return n
        n+=len(d)
def pat(n): return bytes((i*7+i//251)&255 for i in range(n))
${body}
END`;
};

export const SERVE = (n: number): string => `l=L()
c,_=l.accept(); c.recv(100); c.sendall(pat(${n})); c.shutdown(1); drain(c); c.close()`;
export const FETCH = `c=C(); c.sendall(b'GET\\n'); drain(c); c.close(); time.sleep(.1)`;
export const bulk = (n: number, six = false) => ({
  server: python(SERVE(n), six),
  client: python(FETCH, six),
});
export const http =
  "cd $DIR && head -c 9000 /dev/zero | tr '\\0' x > page.html && echo hello > small.txt && exec python3 -m http.server 8123 --bind";
export const lose =
  (...numbers: number[]): Impairment =>
  ({ direction, dataNumber }) =>
    direction === 1 && numbers.includes(dataNumber) ? [] : undefined;
