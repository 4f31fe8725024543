// The three ways to write a sysctl's name, brought to one: dots.

/** `net.ipv4.tcp_ecn` for `/proc/sys/net/ipv4/tcp_ecn`; null for a path elsewhere. */
export function sysctlNameOfPath(path: string): string | null {
  if (!path.startsWith('/proc/sys/') || path.includes('..')) return null;
  return path.slice('/proc/sys/'.length).replace(/\/+/g, '/').split('/').map(escapeDots).join('.');
}

/** `net/ipv4/tcp_ecn` and `net.ipv4.tcp_ecn` alike: whichever separator comes first is the separator. */
export function sysctlName(written: string): string {
  const slash = written.indexOf('/');
  const dot = written.indexOf('.');
  if (slash < 0 || (dot >= 0 && dot < slash)) return written;
  return written.split('/').map(escapeDots).join('.');
}

/** A dot within one part (an interface name) becomes a slash, as sysctl itself does. */
function escapeDots(part: string): string {
  return part.replace(/\./g, '/');
}

export function sysctlPath(name: string): string {
  return `/proc/sys/${name.replace(/[./]/g, (sign) => (sign === '.' ? '/' : '.'))}`;
}
