import { afterEach, beforeEach } from 'vitest';
import { io, seen, step, type World } from '../../../../test/contract/world.ts';
import { userOf, type User } from '../../../../test/ollama/user.ts';
import type { Driver, StepIo } from '../../../domain/backend.ts';
import type { InstanceSpec } from '../../../domain/desired.ts';
import type { ObservedInstance } from '../../../domain/observed.ts';
import { worldOn } from './conformance.ts';
import { FakeOllama } from './server.ts';

/** A fake with a stack at it and somebody else beside it, anew for each test. */
export class Stage {
  fake!: FakeOllama;
  world!: World;
  driver!: Driver;
  user!: User;

  async look(spec: InstanceSpec): Promise<ObservedInstance> {
    return seen(await this.driver.look(spec.id, io().signal));
  }

  probe(spec: InstanceSpec, over: StepIo = io()): Promise<void> {
    return this.driver.perform.probe(step('probe', spec, { spec, onFailure: 'leave' }), over);
  }

  async publish(spec: InstanceSpec): Promise<void> {
    await this.driver.perform.publish?.(step('publish', spec, {}), io());
  }

  async withdraw(spec: InstanceSpec): Promise<void> {
    await this.driver.perform.withdraw?.(step('withdraw', spec, {}), io());
  }
}

/** Sets the stage for every test of a file. */
export function useStage(): Stage {
  const stage = new Stage();
  beforeEach(async () => {
    stage.fake = await FakeOllama.start();
    stage.world = await worldOn(stage.fake);
    stage.driver = stage.world.connect();
    stage.user = userOf(stage.fake.url);
  });
  afterEach(() => stage.world.end());
  return stage;
}

/** The code of the problem that work ends with; `done` if it ends with none. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'done';
  } catch (error) {
    return (error as { readonly problem?: { readonly code: string } }).problem?.code ?? String(error);
  }
}

/** Something to wait for until it is opened. */
export function gate(): { readonly held: Promise<void>; readonly open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { held: promise, open: resolve };
}
