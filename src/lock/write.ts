import type { Lock } from '../domain/weights.ts';
import { editText } from './edit.ts';
import { freshText, HEADER, type WrittenLock } from './fields.ts';
import { readWritten } from './parse.ts';
import { marksOf } from './tokens.ts';

/**
 * The text of llmops.lock. What the previous text says already keeps its bytes, order and comments: the same lock gives
 * the same text, and a change to one model touches no line of another. With `null` a new file: models and backends by
 * name, keys in one fixed order. The previous text must be one that `parseLock` takes.
 */
export function writeLock(previous: string | null, lock: Lock): string {
  if (previous === null) return freshText(lock);
  const { written } = readWritten(previous, 'llmops.lock');
  if (written === null) throw new Error('the previous text of llmops.lock is damaged, and would be lost');
  const text = previous.replace(/^\uFEFF/, '');
  if (freshText(written) === freshText(lock)) return previous;
  const edited = editText(text, written, lock);
  if (edited !== null && says(edited.text, lock) && containsAll(commentsIn(edited.text), edited.kept)) return edited.text;
  // A style that cannot be edited in place: everything anew, with what people wrote into it on top.
  return freshText(
    lock,
    commentsIn(text).filter((comment) => !HEADER.includes(comment)),
  );
}

/** An editor that changes what a file says would be worse than none, so it checks itself. */
function says(text: string, lock: WrittenLock): boolean {
  const { written } = readWritten(text, 'llmops.lock');
  return written !== null && freshText(written) === freshText(lock);
}

function commentsIn(text: string): readonly string[] {
  return marksOf(text).comments.map((comment) => comment.text);
}

/** Each wanted text as often as it is wanted. */
function containsAll(texts: readonly string[], wanted: readonly string[]): boolean {
  const left = new Map<string, number>();
  for (const text of texts) left.set(text, (left.get(text) ?? 0) + 1);
  return wanted.every((text) => {
    const count = left.get(text) ?? 0;
    left.set(text, count - 1);
    return count > 0;
  });
}
