// All situations of the corpus, in the order of its list.

import type { Situation } from './situation.js';
import { APPLICATIONS } from './situations/applications.js';
import { ENDS } from './situations/ends.js';
import { NETWORK } from './situations/network.js';
import { SERVICES } from './situations/services.js';

export const SITUATIONS: readonly Situation[] = [...APPLICATIONS, ...NETWORK, ...ENDS, ...SERVICES];
