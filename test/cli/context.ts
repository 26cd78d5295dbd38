import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PassThrough, Readable, Writable } from 'node:stream';
import { onTestFinished } from 'vitest';
import type { CliContext } from '../../src/cli/context.ts';
import { runCli } from '../../src/cli/index.ts';

/** A stream that remembers what was written to it. */
class Captured extends Writable {
  readonly isTTY: boolean;
  columns = 80;
  text = '';
  readonly #changed = new Set<() => void>();
  constructor(isTTY: boolean) {
    super({ decodeStrings: false });
    this.isTTY = isTTY;
  }
  override _write(chunk: string | Uint8Array, _encoding: string, done: () => void): void {
    this.text += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
    for (const tell of this.#changed) tell();
    done();
  }
  /** Resolves as soon as all that was written contains the text. */
  async until(text: string): Promise<void> {
    if (this.text.includes(text)) return;
    await new Promise<void>((resolve) => {
      const tell = (): void => {
        if (!this.text.includes(text)) return;
        this.#changed.delete(tell);
        resolve();
      };
      this.#changed.add(tell);
    });
  }
}

/** A place to call verbs in: folders of its own, nothing of the machine's environment. */
export interface World {
  /** Where the verb is called; empty at first. */
  readonly cwd: string;
  /** State of a stack called `name`. */
  readonly stateDir: (name: string) => string;
  readonly env: Record<string, string>;
  /** What a verb is given. */
  readonly context: CliContext;
  readonly stdout: Captured;
  readonly stderr: Captured;
  /** What the first Ctrl-C does. */
  readonly interrupt: () => void;
  /** Runs the command line as a shell would; resolves to its exit code. */
  readonly llmops: (...argv: string[]) => Promise<number>;
}

/** Options of {@link newWorld}. */
export interface WorldOptions {
  readonly tty?: boolean;
  /** What a person types, and how it is: on a terminal or not. `stdin` alone is a pipe. */
  readonly stdinTty?: boolean;
  /** The same folders as another world: the next command in the same place. */
  readonly at?: World;
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly backends?: CliContext['backends'];
}

/** Makes a world that is gone after the test. */
export function newWorld(options: WorldOptions = {}): World {
  const root = options.at ? dirname(options.at.cwd) : newRoot();
  const cwd = join(root, 'desk');
  const env: Record<string, string> = {
    HOME: join(root, 'home'),
    XDG_STATE_HOME: join(root, 'state'),
    XDG_CACHE_HOME: join(root, 'cache'),
    PATH: join(root, 'bin'),
    ...options.env,
  };
  const [stdout, stderr] = [new Captured(options.tty ?? false), new Captured(options.tty ?? false)];
  const controller = new AbortController();
  const context: CliContext = {
    env,
    cwd,
    stdin: stdinOf(options),
    stdout: stdout as unknown as NodeJS.WriteStream,
    stderr: stderr as unknown as NodeJS.WriteStream,
    backends: options.backends ?? (async () => (await import('../../src/backends/index.ts')).backends),
    signal: controller.signal,
    signalExitCode: () => (controller.signal.aborted ? 130 : null),
    now: () => '2026-05-04T10:00:00.000Z',
  };
  return {
    cwd,
    stateDir: (name) => join(root, 'state', 'llmops', name),
    env,
    context,
    stdout,
    stderr,
    interrupt: () => controller.abort(),
    llmops: (...argv) => runCli(argv, context, '0.1.0'),
  };
}

function newRoot(): string {
  const root = mkdtempSync(join(tmpdir(), 'llmops-cli-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  mkdirSync(join(root, 'desk'));
  return root;
}

function stdinOf({ stdin, stdinTty = false }: WorldOptions): NodeJS.ReadStream {
  const stream = stdin === undefined ? new PassThrough() : Readable.from(stdin === '' ? [] : [Buffer.from(stdin)]);
  return Object.assign(stream, { isTTY: stdinTty }) as unknown as NodeJS.ReadStream;
}
