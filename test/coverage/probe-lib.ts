// Known lines, each run by a process, a worker, a child, or by nobody: coverage.test.ts checks what c8 says of them.

export function inProcess(): string {
  return 'covered in the vitest process';
}

export function inWorker(): string {
  return 'covered in a worker';
}

export function inChild(): string {
  return 'covered in a child';
}

export function never(): string {
  return 'covered nowhere';
}
