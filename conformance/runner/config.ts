// The settings of one run: packetdrill's options by their own names, from presets, script and command line, each over
// the one before. It knows no file and no command-line library.

import { isIP } from 'node:net';
import type { OptionLine, Script } from '../language/ast.js';
import { nearest } from '../language/suggest.js';
import type { TargetAddresses } from '../targets/target.js';
import { canonicalAddress, mapIpv4 } from './addresses.js';
import { ScriptProblem, UnsupportedFeature } from './errors.js';
import { DEFAULT_PREFIX6, type IpVersion, namedVersion, PLAIN_OPTIONS, PRESET_OPTIONS } from './presets.js';

export interface RunConfig {
  readonly ipVersion: IpVersion;
  readonly addresses: TargetAddresses;
  readonly bindPort: number;
  readonly connectPort: number;
  readonly toleranceMicroseconds: number;
  readonly tolerancePercent: number;
  readonly tsEcrScaled: boolean;
  readonly tsTickMicroseconds: number;
  readonly strictSegments: boolean;
  /** Segment size of inbound super-packets, 0: not set. */
  readonly mss: number;
  /** Speed of the device in Mbit/s, 0: as it is. */
  readonly speed: number;
  readonly nonFatal: ReadonlySet<'packet' | 'syscall'>;
  readonly dryRun: boolean;
  /** Put every packet into the output. */
  readonly verbose: boolean;
  readonly initScripts: readonly string[];
  readonly md5Secret: string | null;
  readonly noCleanup: boolean;
}

/** Option names to values; `true` for options without one. Names with `_` or `-`. */
export type OptionValues = Readonly<Record<string, string | true>>;

const TAKES_VALUE: Readonly<Record<string, boolean>> = {
  ip_version: true,
  bind_port: true,
  connect_port: true,
  remote_ip: true,
  local_ip: true,
  gateway_ip: true,
  netmask_ip: true,
  speed: true,
  mss: true,
  mtu: true,
  init_scripts: true,
  tolerance_usecs: true,
  tolerance_percent: true,
  tcp_ts_ecr_scaled: false,
  tcp_ts_tick_usecs: true,
  strict_segments: false,
  non_fatal: true,
  dry_run: false,
  send_omit_free: false,
  tcp_md5_secret: true,
  no_cleanup: false,
  // Read and without effect here: snippets have one language, and a run has no process of its own to talk to.
  code_command: true,
  code_format: true,
  code_sockopt: true,
  debug: false,
  verbose: false,
  define: true,
};

/** Options of the original that this runner has no use for, with the reason. */
const REFUSED: Readonly<Record<string, string>> = {
  wire_client: 'there is no wire mode: a run has both ends in one process',
  wire_server: 'there is no wire mode: a run has both ends in one process',
  wire_server_ip: 'there is no wire mode: a run has both ends in one process',
  wire_server_at: 'there is no wire mode: a run has both ends in one process',
  wire_server_port: 'there is no wire mode: a run has both ends in one process',
  wire_client_dev: 'there is no wire mode: a run has both ends in one process',
  wire_server_dev: 'there is no wire mode: a run has both ends in one process',
  so_filename: 'a stack is tested through a Target (see docs), not a shared object',
  so_flags: 'a stack is tested through a Target (see docs), not a shared object',
};

/** Options that ask for what no target here has: the script is skipped. */
const ABSENT: Readonly<Record<string, string>> = {
  is_anyip: 'addresses that are not configured (--is_anyip)',
  psp_udp_port: 'psp (--psp_udp_port)',
  udp_encapsulation: 'tcp-over-udp (--udp_encapsulation)',
};

/** Names of the original's options that a command line may carry, with whether they take a value. */
export const PACKETDRILL_OPTIONS: ReadonlyMap<string, boolean> = new Map(Object.entries(TAKES_VALUE));

/**
 * Settings for one run of `script`.
 * @param given options of the command line or library call: they win over the script's
 * @throws ScriptProblem for a bad value or an option that cannot be had
 */
export function resolveConfig(script: Script, ipVersion: IpVersion, given: OptionValues): RunConfig {
  const values = new Map<string, { value: string; line: OptionLine | null }>();
  const set = (name: string, value: string | true | null, line: OptionLine | null): void => {
    const plain = name.replaceAll('-', '_');
    check(plain, value, line);
    if (plain !== 'define')
      values.set(plain, { value: value === true || value === null ? 'true' : value, line });
  };
  const defaults = namedVersion(script) === null ? PRESET_OPTIONS : PLAIN_OPTIONS;
  for (const [name, value] of Object.entries(defaults[ipVersion])) set(name, value, null);
  for (const line of script.options) {
    if (!ofOtherFamily(line, ipVersion)) set(line.name, line.value, line);
  }
  for (const [name, value] of Object.entries(given)) set(name, value, null);
  return new Reader(values, ipVersion).config();
}

/**
 * An address line that cannot be meant for this run, as in a script with IPv4 addresses that is run over IPv6, too:
 * the preset then stands, as in the original's suite runner.
 */
function ofOtherFamily(line: OptionLine, ipVersion: IpVersion): boolean {
  if (!/^(local|remote|gateway|netmask)_ip$/.test(line.name)) return false;
  const family = isIP((line.value ?? '').split('/')[0]!);
  return family !== 0 && family !== (ipVersion === 'ipv6' ? 6 : 4);
}

function check(name: string, value: string | true | null, line: OptionLine | null): void {
  const span = line?.span ?? null;
  const refused = REFUSED[name];
  if (refused) throw new ScriptProblem(`--${name}: ${refused}`, span);
  const absent = ABSENT[name];
  if (absent) throw new UnsupportedFeature(absent, span);
  const takes = TAKES_VALUE[name];
  if (takes === undefined) {
    const near = nearest(name, Object.keys(TAKES_VALUE));
    throw new ScriptProblem(`unknown option --${name}${near ? `: did you mean --${near}?` : ''}`, span);
  }
  if (takes && (value === true || value === null))
    throw new ScriptProblem(`option --${name} needs a value`, span);
}

class Reader {
  private readonly values: ReadonlyMap<string, { value: string; line: OptionLine | null }>;
  private readonly ipVersion: IpVersion;

  constructor(values: ReadonlyMap<string, { value: string; line: OptionLine | null }>, ipVersion: IpVersion) {
    this.values = values;
    this.ipVersion = ipVersion;
  }

  config(): RunConfig {
    return {
      ipVersion: this.ipVersion,
      addresses: this.addresses(),
      bindPort: this.number('bind_port', 8080, 1, 0xffff),
      connectPort: this.number('connect_port', 8080, 1, 0xffff),
      toleranceMicroseconds: this.number('tolerance_usecs', 4000, 1, Number.MAX_SAFE_INTEGER),
      tolerancePercent: this.number('tolerance_percent', 12.5, 0, 100),
      tsEcrScaled: this.values.has('tcp_ts_ecr_scaled'),
      tsTickMicroseconds: this.number('tcp_ts_tick_usecs', 0, 0, 1_000_000),
      strictSegments: this.values.has('strict_segments'),
      mss: this.number('mss', 0, 1, 0xffff),
      speed: this.number('speed', 0, 0, 0xffffffff),
      nonFatal: new Set(this.nonFatal()),
      dryRun: this.values.has('dry_run'),
      verbose: this.values.has('verbose'),
      initScripts: (this.text('init_scripts') ?? '').split(',').filter(Boolean),
      md5Secret: this.text('tcp_md5_secret'),
      noCleanup: this.values.has('no_cleanup'),
    };
  }

  private text(name: string): string | null {
    return this.values.get(name)?.value ?? null;
  }

  private fail(name: string, why: string): never {
    const entry = this.values.get(name);
    throw new ScriptProblem(`bad --${name}: ${entry?.value}: ${why}`, entry?.line?.span ?? null);
  }

  private number(name: string, fallback: number, least: number, most: number): number {
    const text = this.text(name);
    if (text === null) return fallback;
    const value = Number(text);
    if (text.trim() === '' || !Number.isFinite(value)) this.fail(name, 'not a number');
    if (value < least || value > most) this.fail(name, `must be from ${least} to ${most}`);
    return value;
  }

  private nonFatal(): ('packet' | 'syscall')[] {
    const words = (this.text('non_fatal') ?? '').split(/[, ]+/).filter(Boolean);
    return words.map((word) => {
      if (word === 'packet' || word === 'syscall') return word;
      return this.fail('non_fatal', 'packet or syscall');
    });
  }

  private addresses(): TargetAddresses {
    const v6 = this.ipVersion === 'ipv6';
    const remote = (this.text('remote_ip') ?? '').split('/')[0]!;
    const address = (name: string, text: string): string => {
      const canonical = canonicalAddress(text);
      if (canonical === null || isIP(canonical) !== (v6 ? 6 : 4)) {
        this.fail(name, `not an ${v6 ? 'IPv6' : 'IPv4'} address`);
      }
      return canonical;
    };
    return {
      wire: v6 ? 'ipv6' : 'ipv4',
      socketFamily: this.ipVersion === 'ipv4' ? 'AF_INET' : 'AF_INET6',
      local: address('local_ip', this.text('local_ip') ?? ''),
      remote: address('remote_ip', remote),
      gateway: address('gateway_ip', this.text('gateway_ip') ?? ''),
      prefix: v6 ? DEFAULT_PREFIX6 : this.netmaskPrefix(),
      mtu: this.number('mtu', 1500, 0, 65_535),
    };
  }

  private netmaskPrefix(): number {
    const parts = (this.text('netmask_ip') ?? '').split('.').map(Number);
    const bits = parts.map((p) => p.toString(2).padStart(8, '0')).join('');
    if (parts.length !== 4 || parts.some((p) => !(p >= 0 && p <= 255)) || !/^1*0*$/.test(bits)) {
      this.fail('netmask_ip', 'not a netmask');
    }
    return bits.indexOf('0') < 0 ? 32 : bits.indexOf('0');
  }
}

/** The address as sockets of the run's family know it. */
export function socketAddress(
  config: RunConfig,
  address: string,
  port: number,
): { family: number; address: string; port: number } {
  const { socketFamily } = config.addresses;
  return {
    family: socketFamily === 'AF_INET' ? 2 : 10,
    address: socketFamily === 'AF_INET6' ? mapIpv4(address) : address,
    port,
  };
}
