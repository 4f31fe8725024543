// What the second thread of bench/table.ts is told to do.
export const REST = 0;
export const RESIZE = 1;
export const MEMORY = 2;
export const END = 3;
