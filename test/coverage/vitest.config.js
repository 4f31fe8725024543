// The ordinary arrangement, on the probe alone.
import { resolve } from 'node:path';
import { mergeConfig } from 'vitest/config';
import base from '../../vitest.config.js';

const config = mergeConfig(base, {});
config.root = resolve(import.meta.dirname, '../..');
config.test.include = ['dist/test/coverage/probe.js'];
export default config;
