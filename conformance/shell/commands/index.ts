// The commands that the restricted shell has.

import type { BuiltIn } from '../command.js';
import { ethtool } from './ethtool.js';
import { cat, chmod, dd, echo, mkdir, printf, rm, touch } from './files.js';
import { freebsdOnly, sockstat, tcpdrop } from './freebsd.js';
import { ip } from './ip.js';
import { nstat } from './nstat.js';
import { sysctl } from './sysctl.js';
import { tc } from './tc.js';
import { bracket, test } from './test-condition.js';
import { grep, sleep } from './text.js';

export const BUILT_INS: Readonly<Record<string, BuiltIn>> = {
  '[': bracket,
  ':': () => 0,
  cat,
  chmod,
  dd,
  echo,
  ethtool,
  false: () => 1,
  grep,
  ip,
  kldload: freebsdOnly,
  kldstat: freebsdOnly,
  kldunload: freebsdOnly,
  mkdir,
  nstat,
  printf,
  rm,
  sleep,
  sockstat,
  sysctl,
  tc,
  tcpdrop,
  test,
  touch,
  true: () => 0,
};
