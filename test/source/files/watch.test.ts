import {
  chmodSync,
  cpSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openStage, watched, type Stage } from './stage.ts';

/** By events alone, with the re-check so rare that it is no help; by asking alone; and as it is by default. */
const MODES = {
  events: { settleMs: 50, rehashMs: 600_000 },
  polling: { settleMs: 50, rehashMs: 50, usePolling: true },
};

/** Replaces a file as editors and programs do. */
const WAYS: Readonly<Record<string, (stage: Stage, file: string, text: string) => void>> = {
  'a plain write': (_, file, text) => writeFileSync(file, text),
  'a new file moved over it': (stage, file, text) => {
    writeFileSync(stage.path('.tmp-1'), text);
    renameSync(stage.path('.tmp-1'), file);
  },
  vim: (stage, file, text) => {
    writeFileSync(stage.path('.llmops.yaml.swp'), 'swap');
    writeFileSync(stage.path('4913'), '');
    unlinkSync(stage.path('4913'));
    renameSync(file, `${file}~`);
    writeFileSync(file, text);
    unlinkSync(`${file}~`);
    unlinkSync(stage.path('.llmops.yaml.swp'));
  },
  'emacs with its lock and its backup': (stage, file, text) => {
    symlinkSync('me@here.1:2', stage.path('.#llmops.yaml'));
    cpSync(file, `${file}~`);
    writeFileSync(file, text);
    unlinkSync(stage.path('.#llmops.yaml'));
  },
  'sed -i': (stage, file, text) => {
    writeFileSync(stage.path('sedAbc123'), text);
    chmodSync(stage.path('sedAbc123'), 0o644);
    renameSync(stage.path('sedAbc123'), file);
  },
  'removing and making it again': (_, file, text) => {
    unlinkSync(file);
    writeFileSync(file, text);
  },
  'a link to another file': (stage, file, text) => {
    writeFileSync(stage.path('other'), text);
    unlinkSync(file);
    symlinkSync('other', file);
  },
  'a hard link to another file': (stage, file, text) => {
    writeFileSync(stage.path('other'), text);
    unlinkSync(file);
    linkSync(stage.path('other'), file);
  },
  'the same size and the same time': (_, file, text) => {
    writeFileSync(file, text);
    utimesSync(file, 1, 1);
  },
};

describe.each(Object.entries(MODES))('Watching by %s', (_, mode) => {
  const start = async (text = 'one'): Promise<Stage> => {
    const stage = openStage(mode);
    stage.write('llmops.yaml', text);
    return await watched(stage);
  };

  it.each(Object.entries(WAYS))('sees %s, each time', async (_way, replace) => {
    const stage = await start();
    for (const text of ['two', 'six']) {
      stage.calls = 0;
      rmSync(stage.path('other'), { force: true });
      replace(stage, stage.path('llmops.yaml'), text);
      await stage.sees(text);
    }
  });

  it('calls seldom for many quick writes, and the last one is seen', async () => {
    const stage = await start();
    for (let n = 0; n < 20; n += 1) stage.write('llmops.yaml', `text ${n}`);
    await stage.sees('text 19');
    await stage.quiet();
    expect(stage.calls).toBeLessThanOrEqual(3);
  });

  it('calls while somebody never stops writing', async () => {
    const stage = await start();
    const writer = setInterval(() => stage.write('llmops.yaml', String(performance.now())), 10);
    await stage.called().finally(() => clearInterval(writer));
  });

  it('calls for nothing but other bytes', async () => {
    const stage = await start();
    const now = new Date();
    utimesSync(stage.path('llmops.yaml'), now, now);
    stage.write('llmops.yaml', 'one');
    for (const other of ['.llmops.yaml.swp', 'llmops.yaml~', '#llmops.yaml#', 'weights.gguf', '..data']) stage.write(other, 'x');
    expect(await stage.quiet()).toBe(0);
  });

  it('calls once for a change that nobody looks at, and not for one that was taken back', async () => {
    const stage = await start();
    stage.write('llmops.yaml', 'two');
    await stage.called();
    expect(await stage.quiet()).toBe(0);
    stage.write('llmops.yaml', 'one');
    expect(await stage.quiet()).toBe(0);
    stage.write('llmops.yaml', 'two');
    await stage.called(1);
  });

  it('sees the lock come, change and go', async () => {
    const stage = await start();
    for (const text of ['a', 'b']) {
      stage.calls = 0;
      stage.write('llmops.lock', text);
      await stage.sees(`one|${text}`);
    }
    stage.calls = 0;
    rmSync(stage.path('llmops.lock'));
    await stage.sees('one');
  });

  it('sees the file go, become a folder, and come back', async () => {
    const stage = await start();
    rmSync(stage.path('llmops.yaml'));
    await stage.sees('no-stack-file');
    stage.calls = 0;
    mkdirSync(stage.path('llmops.yaml'));
    await stage.sees('no-stack-file');
    stage.calls = 0;
    rmSync(stage.path('llmops.yaml'), { recursive: true });
    stage.write('llmops.yaml', 'one');
    await stage.sees('one');
  });

  it('sees a file that it follows, in a folder of its own', async () => {
    const stage = await start();
    stage.write('chat/t.jinja', 'one');
    stage.source.follow([stage.path('chat/t.jinja')]);
    await stage.look();
    expect(await stage.quiet()).toBe(0);
    stage.write('chat/t.jinja', 'two');
    await stage.called();
    await stage.look();
    stage.source.follow([]);
    await stage.look();
    stage.calls = 0;
    stage.write('chat/t.jinja', 'three');
    expect(await stage.quiet()).toBe(0);
  });

  it('calls for what happened between the look and the watching', async () => {
    const stage = openStage(mode);
    stage.write('llmops.yaml', 'one');
    await stage.look();
    stage.write('llmops.yaml', 'two');
    const watching = await stage.source.watch(() => (stage.calls += 1));
    await stage.called().finally(() => watching.close());
  });
});

describe.each(Object.entries({ ...MODES, both: { settleMs: 50, rehashMs: 300 } }))('Folders that are replaced, by %s', (name, mode) => {
  it('sees the swap of links that Kubernetes makes for a ConfigMap', async () => {
    const stage = openStage(mode);
    mountConfigMap(stage, 'v1', 'one');
    symlinkSync('..data/llmops.yaml', stage.path('llmops.yaml'));
    await watched(stage);
    for (const version of ['v2', 'v3']) {
      stage.calls = 0;
      mountConfigMap(stage, version, `text of ${version}`);
      await stage.sees(`text of ${version}`);
    }
  });

  it('waits for a folder that is not there yet', async () => {
    const stage = openStage({ ...mode, below: 'a/b' });
    expect(await stage.look()).toBe('no-folder');
    await watched(stage);
    stage.write('llmops.yaml', 'one');
    await stage.sees('one');
  });

  // An event between the removal of a folder and the first watch of the new one is lost: the re-check is for that.
  it.skipIf(name === 'events')('sees a folder removed, made anew, and written into', async () => {
    const stage = openStage({ ...mode, below: 'repo' });
    stage.write('llmops.yaml', 'one');
    await watched(stage);
    rmSync(join(stage.dir, 'repo'), { recursive: true });
    await stage.sees('no-folder');
    for (const text of ['two', 'three']) {
      stage.calls = 0;
      stage.write('llmops.yaml', text);
      await stage.sees(text);
    }
    stage.calls = 0;
    renameSync(join(stage.dir, 'repo'), join(stage.dir, 'old'));
    cpSync(join(stage.dir, 'old'), join(stage.dir, 'repo'), { recursive: true });
    writeFileSync(stage.path('llmops.yaml'), `${readFileSync(stage.path('llmops.yaml'), 'utf8')} and four`);
    await stage.sees('three and four');
  });
});

/** As the kubelet does: a folder of a new name, then one link moved over another. */
function mountConfigMap(stage: Stage, version: string, text: string): void {
  stage.write(`..${version}/llmops.yaml`, text);
  symlinkSync(`..${version}`, stage.path('..data_tmp'));
  renameSync(stage.path('..data_tmp'), stage.path('..data'));
}
