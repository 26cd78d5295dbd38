/** One line of a comparison: in both, only before, or only after. */
export interface DiffLine {
  readonly mark: ' ' | '-' | '+';
  readonly text: string;
}

/** Above this many edits the rest is shown as removed and added whole: a plain answer in bounded time and memory. */
const MOST_EDITS = 1500;

/**
 * The shortest edit from one list of lines to another. Source: E. W. Myers, "An O(ND) Difference Algorithm and Its
 * Variations", 1986, the greedy form, after common lines at both ends are set aside.
 */
export function diffLines(before: readonly string[], after: readonly string[]): readonly DiffLine[] {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start += 1;
  let end = 0;
  while (end < before.length - start && end < after.length - start && before.at(-1 - end) === after.at(-1 - end)) end += 1;
  const middle = edits(before.slice(start, before.length - end), after.slice(start, after.length - end));
  return [...before.slice(0, start).map(same), ...middle, ...before.slice(before.length - end).map(same)];
}

function same(text: string): DiffLine {
  return { mark: ' ', text };
}

function edits(before: readonly string[], after: readonly string[]): readonly DiffLine[] {
  const trace = walk(before, after);
  if (trace === null)
    return [...before.map((text) => ({ mark: '-' as const, text })), ...after.map((text) => ({ mark: '+' as const, text }))];
  return backtrack(trace, before, after);
}

type Frontier = ReadonlyMap<number, number>;

/** Furthest x on each diagonal after each number of edits; null if more edits than allowed are needed. */
function walk(before: readonly string[], after: readonly string[]): readonly Frontier[] | null {
  const trace: Frontier[] = [];
  let front = new Map<number, number>([[1, 0]]);
  for (let edit = 0; edit <= MOST_EDITS; edit += 1) {
    const next = new Map<number, number>();
    for (let diagonal = -edit; diagonal <= edit; diagonal += 2) {
      let x = stepDown(front, diagonal, edit) ? (front.get(diagonal + 1) ?? 0) : (front.get(diagonal - 1) ?? 0) + 1;
      while (x < before.length && x - diagonal < after.length && before[x] === after[x - diagonal]) x += 1;
      next.set(diagonal, x);
      if (x >= before.length && x - diagonal >= after.length) return [...trace, front];
    }
    trace.push(front);
    front = next;
  }
  return null;
}

/** True if the best way onto this diagonal adds a line, false if it removes one. */
function stepDown(front: Frontier, diagonal: number, edit: number): boolean {
  return diagonal === -edit || (diagonal !== edit && (front.get(diagonal - 1) ?? 0) < (front.get(diagonal + 1) ?? 0));
}

function backtrack(trace: readonly Frontier[], before: readonly string[], after: readonly string[]): readonly DiffLine[] {
  const reversed: DiffLine[] = [];
  let x = before.length;
  let y = after.length;
  for (let edit = trace.length - 1; edit >= 0; edit -= 1) {
    const front = trace[edit] as Frontier;
    const down = stepDown(front, x - y, edit);
    const fromX = front.get(down ? x - y + 1 : x - y - 1) ?? 0;
    const fromY = fromX - (down ? x - y + 1 : x - y - 1);
    while (x > fromX && y > fromY && x > 0 && y > 0) {
      reversed.push({ mark: ' ', text: before[x - 1] as string });
      x -= 1;
      y -= 1;
    }
    if (edit > 0) reversed.push(down ? { mark: '+', text: after[fromY] as string } : { mark: '-', text: before[fromX] as string });
    x = fromX;
    y = fromY;
  }
  return reversed.toReversed();
}
