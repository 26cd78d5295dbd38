import { readFile } from 'node:fs/promises';
import { io, step } from '../../../../test/contract/world.ts';
import type { Driver } from '../../../domain/backend.ts';
import type { ModelSpec } from '../../../domain/desired.ts';
import type { Candidate } from '../../../domain/observed.ts';
import type { Stage } from './stage.ts';
import { sha256 } from './weights.ts';

/** What somebody else makes on the stage, and how a stack takes it over. `by`: the stack's driver. */
export interface Others {
  /** The weights of the stack, as somebody else's model on that server; `beside`: further files of it. */
  make(name: string, more?: object, beside?: Buffer): Promise<void>;
  candidates(change?: Partial<ModelSpec>, by?: Driver): Promise<readonly Candidate[]>;
  adopt(copy: string, change?: Partial<ModelSpec>, by?: Driver): Promise<void>;
  /** Takes over the first candidate. */
  take(change?: Partial<ModelSpec>, by?: Driver): Promise<void>;
}

/** Other people on this stage. */
export function othersOn(stage: Stage): Others {
  const upload = async (bytes: Buffer) => {
    const digest = `sha256:${sha256(bytes)}`;
    await fetch(`${stage.fake.url}/api/blobs/${digest}`, { method: 'POST', body: new Uint8Array(bytes) });
    return digest;
  };
  const others: Others = {
    async make(name, more = {}, beside) {
      const files = {
        'model.gguf': await upload(await readFile(stage.world.spec().weights.path)),
        ...(beside && { 'more.gguf': await upload(beside) }),
      };
      await stage.user.post('/api/create', { model: name, files, stream: false, ...more });
    },
    async candidates(change = {}, by = stage.driver) {
      const { path, sha256: digest, bytes } = stage.world.spec(change).weights;
      const artifact = { path, sha256: digest, bytes, source: 'file:chat.gguf', gguf: null };
      return (await by.candidates?.([{ model: stage.world.model(change), artifact }], io().signal)) ?? [];
    },
    async adopt(copy, change = {}, by = stage.driver) {
      const spec = stage.world.spec(change);
      await by.perform.adopt?.(step('adopt', spec, { spec, copy, process: null }), io());
    },
    async take(change = {}, by = stage.driver) {
      const [found] = await others.candidates(change, by);
      if (found === undefined) throw new Error('there is nothing to take over');
      await others.adopt(found.copy.id, change, by);
    },
  };
  return others;
}
