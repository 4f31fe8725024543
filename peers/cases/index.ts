// The list of cases, in the order they run.
import type { PeerCase } from '../types.js';
import { bulkFromKernel, bulkToKernel, duplex } from './bulk.js';

export const CASES: readonly PeerCase[] = [bulkFromKernel, bulkToKernel, duplex];
