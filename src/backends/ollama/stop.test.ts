import { expect, it } from 'vitest';
import { useStage } from './fake/stage.ts';

const stage = useStage();

it('A stop does not believe one list that lacks the copy: it may be made while the model of another one is removed', async () => {
  const spec = stage.world.spec();
  await stage.world.start(stage.driver, spec);
  stage.fake.faults.emptyLists = 1;
  await stage.world.stop(stage.driver, spec, null);
  expect(await stage.driver.look(spec.id, AbortSignal.timeout(60_000))).toBeNull();
});
