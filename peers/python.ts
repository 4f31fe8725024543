// Small Python peers on the kernel's sockets: Python has every socket option and MSG_OOB, and is nearly everywhere.
// Text only; what it speaks with the case is lines on its standard input and output.

/** In front of every script: sockets by family, lines, and the bytes both sides make from a seed. */
export const PRELUDE = `
import socket, struct, sys, time, hashlib, itertools, select, os, threading, errno
A = sys.argv[1:]
def say(*words): print(*words, flush=True)
def sock(host): return socket.socket(socket.AF_INET6 if ':' in host else socket.AF_INET, socket.SOCK_STREAM)
def connect(host, port, **options):
    s = sock(host)
    for level, name, value in options.get('set', []): s.setsockopt(level, name, value)
    s.settimeout(options.get('timeout', 100))
    s.connect((host, int(port)))
    return s
def listen(host, port, backlog=128, set=[]):
    s = sock(host)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    for level, name, value in set: s.setsockopt(level, name, value)
    s.bind((host, int(port)))
    s.listen(backlog)
    s.settimeout(100)
    say('listening')
    return s
def recv_all(s, hash=None):
    n = 0
    while True:
        b = s.recv(262144)
        if not b: return n
        n += len(b)
        if hash: hash.update(b)
def info(s): return s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 512)
`;
