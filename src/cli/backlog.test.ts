import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { unhurriedLines } from './backlog.ts';

it('What nobody reads is left out and counted, and what comes once there is room again is written', async () => {
  const stream = new PassThrough({ highWaterMark: 1 });
  const write = unhurriedLines(stream as unknown as NodeJS.WriteStream, (count) => `${count} left out\n`);
  const line = `${'x'.repeat(64 * 1024 - 1)}\n`;
  for (let times = 0; times < 100; times += 1) write(line);
  expect(stream.writableLength).toBeLessThanOrEqual(1024 ** 2);
  let text = '';
  stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await new Promise((resolve) => stream.once('drain', resolve));
  write('after it\n');
  stream.end();
  await new Promise((resolve) => stream.once('end', resolve));
  const whole = text.split(line).length - 1;
  expect(text.slice(whole * line.length)).toBe(`${100 - whole} left out\nafter it\n`);
  expect(whole).toBeGreaterThan(10);
});
