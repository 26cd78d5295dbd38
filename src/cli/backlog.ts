/** Bytes that may wait for a slow reader: hours of what a daemon tells. */
const MOST_WAITING = 1024 ** 2;

/**
 * Lines for a reader who may stop reading: the program goes on, and what does not fit is left out and counted. `missed` makes
 * the line that stands in its place once there is room again.
 */
export function unhurriedLines(stream: NodeJS.WriteStream, missed: (count: number) => string): (line: string) => void {
  let count = 0;
  return (line) => {
    if (line === '' || stream.destroyed) return;
    if (stream.writableLength + line.length > MOST_WAITING) {
      count += 1;
      return;
    }
    stream.write(count === 0 ? line : missed(count) + line);
    count = 0;
  };
}
