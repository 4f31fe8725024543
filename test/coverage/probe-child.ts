// Child side of the coverage probe: one branch that runs and one that does not.
import { inChild, never } from './probe-lib.js';

function unreached(): string {
  return never();
}

process.stdout.write(process.argv.length > 100 ? unreached() : inChild());
