// Servers as they are installed, with their own clients. Each needs its program; one that is missing is said and left out.

import type { Situation } from '../situation.js';

const AT = '10.99.0.2';

export const SERVICES: readonly Situation[] = [
  {
    name: 'nginx-ab',
    shows: 'nginx and ApacheBench: three requests one after the other on one connection',
    needs: ['nginx', 'ab'],
    server: `cd $DIR && mkdir -p w && head -c 3000 /dev/zero > w/x && printf 'daemon off; pid %s/p; error_log /dev/null; events {} http { access_log off; server { listen ${AT}:8123; root %s/w; } }' $DIR $DIR > n.conf && chmod 755 $DIR && exec nginx -c $DIR/n.conf`,
    client: `sleep .5; ab -q -k -n 3 -c 1 http://${AT}:8123/x >/dev/null`,
  },
  {
    name: 'nginx-curl-range',
    shows: 'curl asks nginx for a part of a file; keep-alive ended by the server’s timeout of a second',
    needs: ['nginx', 'curl'],
    server: `cd $DIR && mkdir -p w && head -c 9000 /dev/zero > w/x && printf 'daemon off; pid %s/p; error_log /dev/null; events {} http { access_log off; keepalive_timeout 1; server { listen ${AT}:8123; root %s/w; } }' $DIR $DIR > n.conf && chmod 755 $DIR && exec nginx -c $DIR/n.conf`,
    client: `sleep .5; curl -s -r 100-199 -o /dev/null http://${AT}:8123/x`,
  },
  {
    name: 'redis',
    shows: 'redis-cli sets, gets and pipes commands',
    needs: ['redis-server', 'redis-cli'],
    server: `cd $DIR && exec redis-server --bind ${AT} --port 8123 --save '' --protected-mode no --logfile /dev/null`,
    client: `sleep .5; redis-cli -h ${AT} -p 8123 set a hello >/dev/null; for i in 1 2 3 4 5; do echo "incr n"; done | redis-cli -h ${AT} -p 8123 >/dev/null`,
  },
  {
    name: 'postgres',
    shows: 'connections refused while the server starts; then psql logs in, asks and leaves',
    needs: ['postgres', 'psql', 'initdb'],
    server: `cd $DIR && chmod 777 $DIR && chown postgres $DIR && exec su postgres -s /bin/sh -c 'initdb -D d -A trust >/dev/null 2>&1 && echo "host all all 10.99.0.0/24 trust" >> d/pg_hba.conf && exec postgres -D d -h ${AT} -p 8123 -k /tmp 2>/dev/null'`,
    client: `for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 1; nc -z ${AT} 8123 && break; done; psql -h ${AT} -p 8123 -U postgres -tc 'select generate_series(1,100)' >/dev/null`,
  },
  {
    name: 'rsync',
    shows: 'rsync fetches a file from its daemon',
    needs: ['rsync'],
    server: `cd $DIR && mkdir -p m && head -c 20000 /dev/zero > m/f && printf 'use chroot = no\n[m]\npath = %s/m\n' $DIR > r.conf && exec rsync --daemon --no-detach --port=8123 --address=${AT} --config=r.conf`,
    client: `sleep .5; rsync -q rsync://${AT}:8123/m/f $DIR/got`,
  },
  {
    name: 'dns-over-tcp',
    shows: 'dig asks dnsmasq over TCP, twice on one connection',
    needs: ['dnsmasq', 'dig'],
    server: `exec dnsmasq -k -p 8123 -a ${AT} --bind-interfaces --no-resolv --no-hosts --address=/x.test/192.0.2.7 -C /dev/null`,
    client: `sleep .5; dig +tcp +keepopen -p 8123 @${AT} a.x.test b.x.test >/dev/null`,
  },
  {
    name: 'ftp',
    shows: 'Python’s ftplib at vsftpd: a control connection and a passive one for a list',
    needs: ['vsftpd'],
    server: `cd $DIR && mkdir -p e f && chmod 555 f e && chmod 755 $DIR && printf 'listen=YES\nlisten_address=${AT}\nlisten_port=8123\nanonymous_enable=YES\nanon_root=%s/f\nsecure_chroot_dir=%s/e\nseccomp_sandbox=NO\nbackground=NO\n' $DIR $DIR > v.conf && exec vsftpd $DIR/v.conf`,
    client: `sleep .5; python3 -c 'import ftplib;f=ftplib.FTP();f.connect("${AT}",8123);f.login();f.retrlines("LIST",str);f.quit()'`,
  },
  {
    name: 'ssh-login',
    shows: 'an ssh session: key exchange, login by key, a command',
    needs: ['/usr/sbin/sshd', 'ssh'],
    server: `cd $DIR && mkdir -p /run/sshd && ssh-keygen -q -t ed25519 -N '' -f h && ssh-keygen -q -t ed25519 -N '' -f k && chmod 700 . && cp k.pub a && exec /usr/sbin/sshd -D -e -f /dev/null -h $DIR/h -p 8123 -o ListenAddress=${AT} -o AuthorizedKeysFile=$DIR/a -o StrictModes=no -o PidFile=none 2>/dev/null`,
    client: `sleep 1; ssh -i $DIR/k -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -p 8123 root@${AT} echo hi >/dev/null 2>&1 || true`,
  },
  {
    name: 'memcached',
    shows: 'memcached’s text protocol by netcat',
    needs: ['memcached', 'nc'],
    server: `exec memcached -u nobody -l ${AT} -p 8123`,
    client: `sleep .5; printf 'set a 0 0 5\r\nhello\r\nget a\r\nquit\r\n' | nc -q 1 ${AT} 8123 >/dev/null`,
  },
  {
    name: 'netcat',
    shows: 'a file by netcat: the sender ends first',
    needs: ['nc'],
    server: `nc -l ${AT} 8123 >/dev/null`,
    client: `head -c 15000 /dev/zero | nc -N ${AT} 8123`,
  },
  {
    name: 'socat',
    shows: 'socat at both ends, an echo of lines',
    needs: ['socat'],
    server: `exec socat TCP-LISTEN:8123,bind=${AT},reuseaddr EXEC:cat`,
    client: `(echo one; sleep .2; echo two; sleep .2) | socat - TCP:${AT}:8123 >/dev/null`,
  },
  {
    name: 'iperf3',
    shows: 'iperf3 sends 40 KB: its control connection and its data connection',
    needs: ['iperf3'],
    server: `exec iperf3 -s -1 -B ${AT} -p 8123 >/dev/null`,
    client: `sleep .3; iperf3 -c ${AT} -p 8123 -n 40K >/dev/null`,
  },
  {
    name: 'ncat-chat',
    shows: 'ncat as a broker between two clients: two streams at once',
    needs: ['ncat'],
    server: `exec ncat -l ${AT} 8123 --broker`,
    client: `sleep .3; (sleep 1) | ncat ${AT} 8123 >/dev/null & sleep .3; (echo hello; sleep .2) | ncat ${AT} 8123 >/dev/null; wait`,
  },
  {
    name: 'lftp',
    shows: 'lftp lists a web folder of Python’s http.server: two requests',
    needs: ['lftp'],
    server: `cd $DIR && echo x > a.txt && exec python3 -m http.server 8123 --bind ${AT}`,
    client: `sleep .5; lftp -e 'cls;get a.txt -o /dev/null;bye' http://${AT}:8123/ >/dev/null 2>&1`,
  },
  {
    name: 'git-dumb-http',
    shows: 'git ls-remote over dumb HTTP',
    needs: ['git'],
    server: `cd $DIR && git init -q --bare r.git && cd r.git && git update-server-info && cd .. && exec python3 -m http.server 8123 --bind ${AT}`,
    client: `sleep .8; git ls-remote http://${AT}:8123/r.git >/dev/null 2>&1`,
  },
  {
    name: 'tls-curl',
    shows: 'curl over TLS 1.3 at openssl s_server -WWW',
    needs: ['openssl', 'curl'],
    server: `cd $DIR && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout k.pem -out c.pem -subj /CN=x -days 2 2>/dev/null; head -c 5000 /dev/zero > page; exec openssl s_server -quiet -WWW -accept ${AT}:8123 -key k.pem -cert c.pem`,
    client: `sleep .5; curl -sk -o /dev/null https://${AT}:8123/page`,
  },
];
