// All reporters by name.

import { dot } from './dot.js';
import { github } from './github.js';
import { html } from './html/index.js';
import { json } from './json.js';
import { junit } from './junit.js';
import { list } from './list.js';
import type { ReporterKind } from './reporter.js';
import { ktap, tap } from './tap.js';

export const REPORTERS: Readonly<Record<string, ReporterKind>> = {
  list,
  dot,
  tap,
  ktap,
  junit,
  github,
  json,
  html,
};

export * from './reporter.js';
