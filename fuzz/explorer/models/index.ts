// Every model there is.
import type { Model } from '../run.js';
import { bellsModel, doorbellModel } from './doorbell.js';
import { poolModel } from './pool.js';
import { readyModel } from './ready.js';
import { ringModel } from './ring.js';
import { tableModel } from './table.js';

export const MODELS: readonly Model[] = [
  ringModel,
  doorbellModel,
  bellsModel,
  poolModel,
  readyModel,
  tableModel,
];
