// Loaded by nothing: must still be counted, as uncovered (`all`).
export function unloaded(): string {
  return 'never loaded';
}
