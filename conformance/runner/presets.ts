// What a script is run with for each IP version: the addresses, sizes and definitions of the original's own suite
// runner, as defaults under the script's lines. Which versions a script is for follows from its name, as there.

import type { Script } from '../language/ast.js';
import type { OptionValues } from './config.js';

export type IpVersion = 'ipv4' | 'ipv4-mapped-ipv6' | 'ipv6';

export const IP_VERSIONS: readonly IpVersion[] = ['ipv4', 'ipv4-mapped-ipv6', 'ipv6'];

/** What runs of one's own scripts use unless told otherwise: the mapped form adds little there. */
export const DEFAULT_VERSIONS: readonly IpVersion[] = ['ipv4', 'ipv6'];

export const DEFAULT_PREFIX6 = 48;

const V4: OptionValues = {
  local_ip: '192.168.0.1',
  gateway_ip: '192.168.0.1',
  netmask_ip: '255.255.0.0',
  remote_ip: '192.0.2.1',
};

export const PRESET_OPTIONS: Readonly<Record<IpVersion, OptionValues>> = {
  ipv4: V4,
  'ipv4-mapped-ipv6': V4,
  ipv6: {
    mtu: '1520',
    local_ip: 'fd3d:0a0b:17d6::1',
    gateway_ip: 'fd3d:0a0b:17d6:8888::1',
    remote_ip: 'fd3d:fa7b:d17d::1',
  },
};

/**
 * What the original has without its suite runner, for a script that names its own version: it is written to be run by
 * itself. The local address is one of those that the original picks from.
 */
export const PLAIN_OPTIONS: Readonly<Record<IpVersion, OptionValues>> = {
  ipv4: V4,
  'ipv4-mapped-ipv6': V4,
  ipv6: {
    local_ip: 'fd3d:fa7b:d17d::1',
    gateway_ip: 'fd3d:fa7b:d17d:8888::',
    remote_ip: '2001:db8::1',
  },
};

/** `-D` definitions of each version. A command line's own win over these. */
export const PRESET_DEFINES: Readonly<Record<IpVersion, Readonly<Record<string, string>>>> = {
  ipv4: {
    TFO_COOKIE: '3021b9d889017eeb',
    CODE: 'host_unreachable',
    CMSG_LEVEL_IP: 'SOL_IP',
    CMSG_TYPE_RECVERR: 'IP_RECVERR',
  },
  'ipv4-mapped-ipv6': {
    TFO_COOKIE: '3021b9d889017eeb',
    CODE: 'host_unreachable',
    CMSG_LEVEL_IP: 'SOL_IPV6',
    CMSG_TYPE_RECVERR: 'IPV6_RECVERR',
  },
  ipv6: {
    TFO_COOKIE: 'c1d1e9742a47a9bc',
    CMSG_LEVEL_IP: 'SOL_IPV6',
    CMSG_TYPE_RECVERR: 'IPV6_RECVERR',
  },
};

/** The versions of `wanted` that a script is for: `…v4.pkt` both IPv4 forms, `…v6.pkt` IPv6, others all. */
export function versionsFor(file: string, wanted: readonly IpVersion[]): IpVersion[] {
  return wanted.filter((v) => {
    if (file.endsWith('v6.pkt')) return v === 'ipv6';
    if (file.endsWith('v4.pkt')) return v !== 'ipv6';
    return true;
  });
}

/** The one version that a script names in an option line of its own; null when it names none. */
export function namedVersion(script: Script): IpVersion | null {
  const line = script.options.findLast((o) => o.name === 'ip_version');
  return IP_VERSIONS.find((v) => v === line?.value) ?? null;
}

/** As `namedVersion`, from the text, without parsing: options stand at the top, a line each. */
export function namedVersionInText(text: string): IpVersion | null {
  const match = /^\s*--ip[_-]version=("?)(ipv4-mapped-ipv6|ipv4|ipv6)\1\s*(?:(?:#|\/\/|\/\*).*)?$/m.exec(
    text,
  );
  return (match?.[2] as IpVersion | undefined) ?? null;
}
