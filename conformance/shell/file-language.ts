// What a helper file is written in, by its first line.

/** `shell`, `python`, or the name of a program that we have nothing for. `python` says it was given to python. */
export function languageOf(text: string, python: boolean): string {
  const found = /^#![ \t]*(\S+)(?:[ \t]+(\S+))?/.exec(text);
  const path = found?.[1]?.endsWith('/env') ? found[2] : found?.[1];
  const program = path?.split('/').at(-1);
  if (python || (program !== undefined && /^python[0-9.]*$/.test(program))) return 'python';
  return program === undefined || /^(?:ba|da|k|z)?sh$/.test(program) ? 'shell' : program;
}
