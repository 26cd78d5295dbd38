import { createServer, type AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { InstanceSpec } from '../../domain/desired.ts';
import type { Parts } from './parts.ts';
import { holderOf, refuseTakenPort, strangersOn } from './port-holder.ts';
import { systemProcesses, type ProcessEntry } from './process-table.ts';

/** A port of 127.0.0.1 on which this very process listens. */
async function taken(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

/** A port on which nobody listens any more. */
async function free(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((done) => server.close(() => done()));
  return port;
}

const partsFor = (port: number, table = systemProcesses()): Parts =>
  ({
    stackId: 'mine',
    records: { adopted: () => [] },
    table,
    spec: { name: 'one' },
    engine: { fixedPort: () => port },
  }) as unknown as Parts;
const spec = { id: 'chat-1', model: 'chat', backend: 'one' } as InstanceSpec;

/** The machine's processes, with this one as if it were an instance of a stack. */
async function asInstanceOf(stackId: string): Promise<readonly ProcessEntry[]> {
  const marker = {
    v: 1,
    stackId,
    stack: 's',
    type: 't',
    backend: 'one',
    model: 'm',
    id: 'm-1',
    specHash: '1',
    digest: 'd',
    port: 1,
    logFile: '/l',
  };
  const mine = (entry: ProcessEntry) => (entry.pid === process.pid ? { ...entry, marker: JSON.stringify(marker) } : entry);
  return (await systemProcesses().list()).map(mine);
}

describe('A fixed port', () => {
  it('that a stranger holds keeps a start from being begun, and says who it is', async () => {
    const port = await taken();
    const refused = await refuseTakenPort(spec, partsFor(port)).catch((error: unknown) => error);
    expect(refused).toMatchObject({
      problem: { code: 'port-taken', summary: expect.stringContaining('chat was left as it is') as string },
    });
    if (process.platform === 'linux') expect(refused).toMatchObject({ problem: { summary: expect.stringMatching(/node/) as string } });
  });

  it('that nobody holds, or an instance of this stack, does not', async () => {
    await expect(refuseTakenPort(spec, partsFor(await free()))).resolves.toBeUndefined();
    expect(await holderOf(await taken(), await asInstanceOf('mine'), { stackId: 'mine', records: { adopted: () => [] } })).toBeNull();
    expect(await holderOf(await taken(), await asInstanceOf('theirs'), { stackId: 'mine', records: { adopted: () => [] } })).not.toBeNull();
  });

  it('is looked at before a plan is made, and the stranger on it is told as one that is never touched', async () => {
    const [held, open] = [await taken(), await free()];
    const found = await strangersOn([open, held], partsFor(held));
    expect(found).toMatchObject([{ owner: 'foreign', model: null, endpoint: `http://127.0.0.1:${held}`, phase: 'unknown' }]);
  });
});
