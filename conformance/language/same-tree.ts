// Compares syntax trees but for their positions.

/** A copy of a tree without spans, file and text positions: what printing and parsing again must keep. */
export function withoutPositions<T>(tree: T): unknown {
  if (Array.isArray(tree)) return tree.map(withoutPositions);
  if (tree === null || typeof tree !== 'object') return tree;
  return Object.fromEntries(
    Object.entries(tree)
      .filter(([name]) => name !== 'span' && name !== 'textSpan' && name !== 'file')
      .map(([name, value]) => [name, withoutPositions(value)]),
  );
}
