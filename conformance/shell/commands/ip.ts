// `ip`: routes with their metrics, the device, addresses and the per-destination cache, of the target.

import {
  type BuiltIn,
  badArguments,
  type CommandContext,
  integerArgument,
  timeArgument,
} from '../command.js';
import type { Locked, RouteOperation } from '../host.js';

/** Objects and verbs may be shortened, as in the real one; longer spellings first. */
function abbreviates(word: string | undefined, whole: string, least: number): boolean {
  return word !== undefined && word.length >= least && whole.startsWith(word);
}

export const ip: BuiltIn = (context) => {
  let args = [...context.args];
  let family: 4 | 6 | null = null;
  while (args[0]?.startsWith('-')) {
    const option = args[0];
    if (option === '-4') family = 4;
    else if (option === '-6') family = 6;
    else if (!['-o', '-br', '-oneline', '-brief', '-force', '-q'].includes(option)) {
      throw badArguments(context, `option '${option}' is not supported`);
    }
    args = args.slice(1);
  }
  const [object, ...rest] = args;
  if (abbreviates(object, 'route', 1)) return route(context, rest, family);
  if (abbreviates(object, 'link', 1)) return link(context, rest);
  if (abbreviates(object, 'address', 1)) return address(context, rest);
  if (object === 'tcp_metrics' || object === 'tcpmetrics') return tcpMetrics(context, rest);
  throw badArguments(context, `'${object ?? ''}' is not supported`);
};

function tcpMetrics(context: CommandContext, args: readonly string[]): number {
  const [verb, ...rest] = args;
  const words = rest.filter((word) => word !== 'address');
  if (abbreviates(verb, 'flush', 1)) {
    context.host.flushTcpMetrics(words.length === 0 || words[0] === 'all' ? null : words[0]!);
    return 0;
  }
  if ((abbreviates(verb, 'delete', 1) || verb === 'del') && words[0] !== undefined) {
    context.host.flushTcpMetrics(words[0]);
    return 0;
  }
  throw badArguments(context, `tcp_metrics ${verb ?? ''} is not supported`);
}

// ---------------------------------------------------------------- routes

const ROUTE_VERBS: Readonly<Record<string, RouteOperation['operation']>> = {
  add: 'add',
  change: 'change',
  replace: 'replace',
  append: 'append',
  del: 'delete',
  delete: 'delete',
};

type RouteFields = { -readonly [K in keyof RouteOperation]: RouteOperation[K] };

function route(context: CommandContext, args: readonly string[], family: 4 | 6 | null): number {
  const operation = ROUTE_VERBS[args[0] ?? ''];
  if (operation === undefined) throw badArguments(context, `route ${args[0] ?? ''} is not supported`);
  const destination = args[1];
  if (destination === undefined) throw badArguments(context, 'a destination is missing');
  const fields: RouteFields = {
    operation,
    family: family ?? (destination.includes(':') ? 6 : 4),
    destination,
    via: null,
    device: null,
    source: null,
    advmss: null,
    mtu: null,
    initcwnd: null,
    initrwnd: null,
    cwnd: null,
    ssthresh: null,
    rtoMin: null,
    rtt: null,
    quickack: null,
    congestionControl: null,
    features: [],
    hopLimit: null,
    fastopenNoCookie: null,
  };
  const words = args.slice(2);
  while (words.length > 0) readRouteField(context, words, fields);
  context.host.changeRoute(fields);
  return 0;
}

/** Takes one field with its value off the front of `words`. */
function readRouteField(context: CommandContext, words: string[], fields: RouteFields): void {
  const name = words.shift()!;
  const text = (): string => {
    const value = words.shift();
    if (value === undefined) throw badArguments(context, `'${name}' without a value`);
    return value;
  };
  const number = () => integerArgument(context, text(), name);
  const locked = (): Locked => {
    const lock = words[0] === 'lock';
    if (lock) words.shift();
    return { value: number(), lock };
  };
  switch (name) {
    case 'via': {
      const value = text();
      fields.via = value === 'inet' || value === 'inet6' ? text() : value;
      return;
    }
    case 'dev':
      fields.device = text();
      return;
    case 'src':
      fields.source = text();
      return;
    case 'advmss':
    case 'mtu':
    case 'cwnd':
    case 'ssthresh':
      fields[name] = locked();
      return;
    case 'initcwnd':
    case 'initrwnd':
      fields[name] = number();
      return;
    case 'hoplimit':
      fields.hopLimit = number();
      return;
    case 'quickack':
      fields.quickack = number() !== 0;
      return;
    case 'fastopen_no_cookie':
      fields.fastopenNoCookie = number() !== 0;
      return;
    case 'rto_min':
      if (words[0] === 'lock') words.shift();
      // A plain number is milliseconds here.
      fields.rtoMin = timeArgument(context, text(), 1000, name);
      return;
    case 'rtt':
      fields.rtt = timeArgument(context, text(), 1000, name);
      return;
    case 'congctl':
      if (words[0] === 'lock') words.shift();
      fields.congestionControl = text();
      return;
    case 'features':
      fields.features = [...fields.features, text()];
      return;
    // What has no meaning for one stack with one device: read and let go.
    case 'proto':
    case 'scope':
    case 'table':
    case 'metric':
    case 'pref':
      text();
      return;
    default:
      throw badArguments(context, `'${name}' is not supported for a route`);
  }
}

// ---------------------------------------------------------------- link and address

function link(context: CommandContext, args: readonly string[]): number {
  const words = [...args];
  const verb = words.shift();
  if (!abbreviates(verb, 'set', 1)) throw badArguments(context, `link ${verb ?? ''} is not supported`);
  if (words[0] === 'dev') words.shift();
  const device = words.shift();
  if (device === undefined || words.length === 0)
    throw badArguments(context, 'a device and a setting are needed');
  const settings = {
    device,
    up: null as boolean | null,
    mtu: null as number | null,
    queueLength: null as number | null,
    gsoMaxSize: null as number | null,
    gsoMaxSegments: null as number | null,
  };
  while (words.length > 0) {
    const name = words.shift()!;
    if (name === 'up' || name === 'down') settings.up = name === 'up';
    else {
      const value = integerArgument(context, words.shift(), name);
      if (name === 'mtu') settings.mtu = value;
      else if (name === 'txqueuelen' || name === 'txqlen' || name === 'qlen') settings.queueLength = value;
      else if (name === 'gso_max_size') settings.gsoMaxSize = value;
      else if (name === 'gso_max_segs') settings.gsoMaxSegments = value;
      else throw badArguments(context, `'${name}' is not supported for a link`);
    }
  }
  context.host.changeLink(settings);
  return 0;
}

function address(context: CommandContext, args: readonly string[]): number {
  const operations: Readonly<Record<string, 'add' | 'replace' | 'delete'>> = {
    add: 'add',
    replace: 'replace',
    change: 'replace',
    del: 'delete',
    delete: 'delete',
  };
  const [verb, written, ...rest] = args;
  const operation = operations[verb ?? ''];
  if (operation === undefined) throw badArguments(context, `address ${verb ?? ''} is not supported`);
  const found = /^([0-9a-fA-F:.]+)(?:\/([0-9]{1,3}))?$/.exec(written ?? '');
  if (found === null) throw badArguments(context, `'${written ?? ''}' is no address`);
  const words = rest.filter((word) => !['nodad', 'noprefixroute', 'permanent'].includes(word));
  const at = words.indexOf('dev');
  const device = at < 0 ? undefined : words[at + 1];
  if (device === undefined) throw badArguments(context, 'dev DEVICE is missing');
  if (words.length > 2) throw badArguments(context, `'${words.join(' ')}' is not supported for an address`);
  const prefix = found[2] === undefined ? null : Number(found[2]);
  context.host.changeAddress({ operation, address: found[1]!, prefix, device });
  return 0;
}
