// What real programs say to each other.

import { http, python } from '../programs.js';
import type { Situation } from '../situation.js';

export const APPLICATIONS: readonly Situation[] = [
  {
    name: 'http-curl',
    shows: 'curl fetches a page from Python’s http.server',
    server: `${http} 10.99.0.2`,
    client: 'curl -s -o /dev/null http://10.99.0.2:8123/page.html',
  },
  {
    name: 'http-curl-ipv6',
    shows: 'the same over IPv6',
    server: `${http} fd99::2`,
    client: "curl -s -g -o /dev/null 'http://[fd99::2]:8123/page.html'",
  },
  {
    name: 'http-not-found',
    shows: 'a 404 by wget, recorded at the server',
    server: `${http} 10.99.0.2`,
    client: 'wget -q -O /dev/null http://10.99.0.2:8123/nothing || true',
    at: 'server',
  },
  {
    name: 'http-two-in-a-row',
    shows: 'two connections of curl to one server, two streams',
    server: `${http} 10.99.0.2`,
    client:
      'curl -s -o /dev/null http://10.99.0.2:8123/small.txt; curl -s -o /dev/null http://10.99.0.2:8123/page.html',
  },
  {
    name: 'http-keepalive-node',
    shows: 'three requests on one connection to a Node server, chunked answers',
    server:
      'exec node -e \'require("http").createServer((q,r)=>{r.write("a".repeat(700));setTimeout(()=>r.end(q.url),30)}).listen(8123,"10.99.0.2")\'',
    client:
      'curl -s -o /dev/null -o /dev/null -o /dev/null http://10.99.0.2:8123/a http://10.99.0.2:8123/b http://10.99.0.2:8123/c',
  },
  {
    name: 'http2-node',
    shows: 'HTTP/2 without TLS between two Node programs: small frames both ways, several requests under way',
    server:
      'exec node -e \'const h=require("http2").createServer();h.on("stream",s=>{s.respond({":status":200});s.end("b".repeat(8123))});h.listen(8123,"10.99.0.2")\'',
    client:
      'node -e \'const c=require("http2").connect("http://10.99.0.2:8123");let n=3;for(let i=0;i<3;i++){const r=c.request({":path":"/"+i});r.resume();r.on("end",()=>--n||c.close())}\'',
  },
  {
    name: 'http-post-ipv6',
    shows: 'a POST of 12 KB by curl with Expect: 100-continue over IPv6, recorded at the server',
    server:
      'exec node -e \'require("http").createServer((q,r)=>{q.resume();q.on("end",()=>r.end("ok"))}).listen(8123,"fd99::2")\'',
    client:
      "head -c 12000 /dev/zero | curl -s -g -o /dev/null -H 'Expect: 100-continue' --data-binary @- 'http://[fd99::2]:8123/'",
    at: 'server',
  },
  {
    name: 'tls-openssl',
    shows: 'a TLS handshake and a little data, openssl s_client and s_server',
    server:
      'cd $DIR && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout k.pem -out c.pem -subj /CN=x -days 2 2>/dev/null; exec openssl s_server -quiet -accept 10.99.0.2:8123 -key k.pem -cert c.pem',
    client: '(echo hello; sleep .2) | openssl s_client -quiet -connect 10.99.0.2:8123 2>/dev/null || true',
  },
  {
    name: 'git-clone',
    shows: 'git clone by git’s own protocol',
    server:
      'cd $DIR && git init -q r && cd r && git -c user.name=a -c user.email=a@b commit -q --allow-empty -m first && echo x > f && git add f && git -c user.name=a -c user.email=a@b commit -q -m second && exec git daemon --export-all --base-path=$DIR --listen=10.99.0.2 --port=8123',
    client: 'git clone -q git://10.99.0.2:8123/r $DIR/clone',
  },
  {
    name: 'smtp',
    shows: 'a mail by smtplib: command and answer in turns',
    server: 'exec python3 -W ignore -m smtpd -n -c DebuggingServer 10.99.0.2:8123',
    client:
      'python3 -c \'import smtplib;s=smtplib.SMTP("10.99.0.2",8123);s.sendmail("a@b",["c@d"],"Subject: x\\n\\nhello");s.quit()\'',
  },
  {
    name: 'ssh-refused-version',
    shows: 'an ssh client meets a server that says its version and hangs up',
    server: python(
      "l=L()\nc,_=l.accept(); c.sendall(b'SSH-1.0-old\\r\\n'); c.recv(100); c.close(); time.sleep(.2)",
    ),
    client:
      'ssh -o StrictHostKeyChecking=no -o BatchMode=yes -p 8123 root@10.99.0.2 true 2>/dev/null || true',
  },
  {
    name: 'telnet-like-perl',
    shows: 'a Perl client that types a character every 30 ms to an echo server: small segments both ways',
    server: python(
      'l=L()\nc,_=l.accept()\nwhile True:\n    d=c.recv(100)\n    if not d: break\n    c.sendall(d)\nc.close()',
    ),
    client:
      'perl -MIO::Socket::INET -e \'$s=IO::Socket::INET->new("10.99.0.2:8123");for(split//,"hello world"){syswrite $s,$_;sysread $s,$b,10;select undef,undef,undef,.03}\'',
  },
];
