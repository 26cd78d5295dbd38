import { describe, expect, it } from 'vitest';
import { parseGpus, parseMeminfo, readMemory } from './memory.ts';

describe('Memory of this machine', () => {
  it('counts what the page cache can give back as free', () => {
    const text = 'MemTotal:       24682840 kB\nMemFree:          100000 kB\nMemAvailable:   20000000 kB\n';
    expect(parseMeminfo(text)).toEqual({ totalBytes: 24682840 * 1024, freeBytes: 20000000 * 1024 });
    expect(parseMeminfo('')).toBeNull();
  });

  it('is read from what nvidia-smi prints, line by line, without what it cannot tell', () => {
    const text = 'NVIDIA H200, 143771, 143150\nNVIDIA RTX A6000, laptop, 49140, 48000\nSome GPU, [N/A], [N/A]\n';
    expect(parseGpus(text)).toEqual([
      { kind: 'vram', name: 'GPU 0: NVIDIA H200', totalBytes: 143771 * 2 ** 20, freeBytes: 143150 * 2 ** 20 },
      { kind: 'vram', name: 'GPU 1: NVIDIA RTX A6000, laptop', totalBytes: 49140 * 2 ** 20, freeBytes: 48000 * 2 ** 20 },
    ]);
    expect(parseGpus('NVIDIA-SMI has failed because it could not communicate with the driver\n')).toEqual([]);
  });

  it('is told without GPUs where there is no nvidia-smi', async () => {
    const pools = await readMemory({ env: { PATH: '/nonexistent' } }, new AbortController().signal);
    expect(pools.map(({ kind }) => kind)).toEqual(['ram']);
    expect(pools[0]?.freeBytes).toBeGreaterThan(0);
  });
});
