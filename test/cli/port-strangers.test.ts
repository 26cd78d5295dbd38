import { beforeEach, describe, expect, it } from 'vitest';
import type { Driver } from '../../src/domain/backend.ts';
import type { ObservedInstance } from '../../src/domain/observed.ts';
import { standIn } from '../world/stand-in.ts';
import { newStage, type Ended, type Stage } from './stage.ts';

let stage: Stage;
let asked: (readonly number[])[];
beforeEach(async () => {
  stage = await newStage();
  asked = [];
});

const TAKEN = 18555;
const flat = (text: string): string => text.replace(/\s+/g, ' ');

/** Runs a verb on a machine where a web server, which is no engine, listens on {@link TAKEN}. */
async function run(...argv: string[]): Promise<Ended> {
  const connect: typeof standIn.connect = (spec, context): Driver => ({
    ...standIn.connect(spec, context),
    strangers: async (ports) => {
      asked.push(ports);
      return ports.includes(TAKEN) ? [stranger(spec.name)] : [];
    },
  });
  const world = stage.command({ backends: async () => ({ 'llama.cpp': { ...standIn, connect } }) });
  const code = await world.llmops(...argv);
  return { code, stdout: world.stdout.text, stderr: world.stderr.text };
}

function stranger(backend: string): ObservedInstance {
  return {
    id: `python3:${TAKEN}`,
    owner: 'foreign',
    backend,
    model: null,
    specHash: null,
    phase: 'unknown',
    endpoint: `http://127.0.0.1:${TAKEN}`,
    configured: {},
    loaded: null,
    activeRequests: null,
    memoryBytes: null,
    startedAt: null,
    process: { pid: 4712, started: 'x' },
    logFile: null,
    problem: null,
  };
}

describe('A stranger that is no engine, on a port that the file fixes', () => {
  it('blocks a running model that is to move there, before anything is ended for it', async () => {
    stage.declare({ chat: 'context: 512' });
    expect((await run('apply', '-y')).code).toBe(0);
    const running = stage.running();
    stage.declare({ chat: `context: 512, options: { port: ${TAKEN} }` });
    const plan = await run('plan');
    expect(flat(plan.stdout)).toContain(`chat cannot get port ${TAKEN}: python3:${TAKEN} (pid 4712), which is not managed by this stack`);
    expect(plan.stdout).not.toContain('0 s down');
    expect((await run('apply', '-y')).code).toBe(1);
    expect(stage.running()).toEqual(running);
  });

  it('blocks a model that never ran, and nobody else', async () => {
    stage.declare({ chat: `context: 512, options: { port: ${TAKEN} }`, more: 'context: 512' });
    const { stdout } = await run('apply', '-y');
    expect(flat(stdout)).toContain('[port-taken]');
    expect(stage.running()).toEqual([expect.stringMatching(/^more-/)]);
  });

  it('is asked for only where a port is fixed and nobody is seen on it', async () => {
    stage.declare({ chat: 'context: 512' });
    await run('plan');
    expect(asked).toEqual([]);
    stage.declare({ chat: 'context: 512, options: { port: 18556 }', more: 'context: 512, backend: two, options: { port: 18557 }' });
    await run('plan');
    expect(asked).toEqual([[18556], [18557]]);
  });
});
