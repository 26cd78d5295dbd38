/**
 * `llmops plan | head` closes the pipe: that is a reader's right, not a failure, and what was begun is finished. Anything
 * else that keeps output from being written (a full disk) is told once, and what was begun is finished too. The returned
 * function is true from then on.
 */
export function tolerateBrokenPipes(streams: readonly NodeJS.WriteStream[]): () => boolean {
  let lost = false;
  for (const stream of streams) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED') return;
      if (!lost) process.stderr.write(`llmops: the output could not be written: ${error.message}\n`);
      lost = true;
    });
  }
  return () => lost;
}
