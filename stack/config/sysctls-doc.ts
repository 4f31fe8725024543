// Writes docs/sysctls.md from the table: `node dist/stack/config/sysctls-doc.js`, in the project's folder.
import { writeFileSync } from 'node:fs';
import { StackConfig } from './config.js';
import { sysctlMarkdown } from './sysctls.js';

writeFileSync('docs/sysctls.md', sysctlMarkdown(new StackConfig()));
