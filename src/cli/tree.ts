/** A text with other texts below it. */
export interface Tree {
  /** One line or several. */
  readonly lines: readonly string[];
  readonly below: readonly Tree[];
}

/**
 * Draws a tree.
 *
 *     root
 *     ├─ first
 *     │  └─ its own
 *     └─ last
 */
export function drawTree({ lines, below }: Tree): string[] {
  return [...lines, ...below.flatMap((tree, i) => drawBranch(tree, i === below.length - 1))];
}

function drawBranch(tree: Tree, isLast: boolean): string[] {
  const rest = isLast ? '   ' : '│  ';
  const [first, ...others] = drawTree(tree);
  return [`${isLast ? '└─ ' : '├─ '}${first}`, ...others.map((line) => `${rest}${line}`.trimEnd())];
}
