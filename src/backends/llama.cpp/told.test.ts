import { describe, expect, it } from 'vitest';
import { explainEnd } from './explain.ts';
import { compare, countActive, isSleeping, loadedFields, toldByLog } from './loaded.ts';

/** Lines of llama-server 0.7.0, as logged with `--log-verbosity 4`. */
const LOG = `0.00.046.633 I load_tensors: offloading output layer to GPU
0.00.046.649 I load_tensors: offloaded 2/5 layers to GPU
0.00.046.866 I llama_init_from_model: enabling flash_attn since it is required for quantized V cache
0.00.046.893 I llama_context: flash_attn            = enabled
0.00.047.266 I llama_kv_cache: size =    0.53 MiB (   256 cells,   4 layers,  2/2 seqs), K (q8_0):    0.27 MiB, V (q8_0):    0.27 MiB
`;
const props = (context: number) => ({
  default_generation_settings: { params: {}, n_ctx: context },
  total_slots: 2,
  is_sleeping: false,
  endpoint_metrics: true,
});

const bufferLine = (name: string) => `0.00.019.615 I load_tensors: ${name.padStart(12)} model buffer size =     6.50 MiB\n`;

describe('What llama-server says of itself', () => {
  it('is read from /props and the log', () => {
    expect(loadedFields(props(256), LOG, {})).toEqual({
      context: 256,
      parallel: 2,
      kvCache: 'q8_0',
      'offload.gpuLayers': 2,
      'options.flashAttention': 'on',
      'options.metrics': true,
    });
  });

  it('is told as it is, also where the engine rounds up', () => {
    expect(loadedFields(props(768), '', { context: 700 })['context']).toBe(768);
  });

  it('keeps its word by rounding up to 256 tokens, or by sharing one buffer, and by nothing else', () => {
    const context = (asked: number, inForce: number, more = {}) => compare('context', asked, inForce, { context: asked, ...more });
    expect([context(300, 512), context(256, 256)]).toEqual(['same', 'same']);
    expect([context(2048, 1024), context(512, 1024)]).toEqual(['moved', 'moved']);
    expect(context(512, 1024, { 'options.kvUnified': true })).toBe('same');
    expect(compare('parallel', 2, 3, {})).toBe('moved');
  });

  it('has no layer on a GPU where the log names no buffer on one, whatever else it claims', () => {
    const layers = (buffers: readonly string[], more = '') =>
      loadedFields({}, `${more}load_tensors: offloaded 5/5 layers to GPU\n${buffers.map(bufferLine).join('')}`, {
        'offload.gpuLayers': 'all',
      })['offload.gpuLayers'];
    expect(layers(['AMX', 'CPU_Mapped', 'CPU', 'CUDA_Host'])).toBe(0);
    expect([layers(['CPU_Mapped', 'CUDA0']), layers(['RPC0[127.0.0.1:50052]', 'CPU']), layers(['Metal_Mapped'])]).toEqual([
      'all',
      'all',
      'all',
    ]);
    expect(layers(['CPU'], `load_tensors: offloaded 5/5 layers to GPU\n${bufferLine('CUDA0')}`)).toBe(0);
    expect(compare('offload.gpuLayers', 'all', 0, {})).toBe('unfulfilled');
    expect([compare('offload.gpuLayers', 'all', 2, {}), compare('offload.gpuLayers', 0, 'all', {})]).toEqual(['moved', 'moved']);
  });

  it('counts all layers as all, where all or more were asked for', () => {
    const layers = (log: string, asked: number | string | null) =>
      loadedFields({}, log, { 'offload.gpuLayers': asked })['offload.gpuLayers'];
    const every = LOG.replace('2/5', '5/5');
    expect([layers(every, 'all'), layers(every, 99), layers(every, null), layers(LOG, 'all'), layers(LOG, 99), layers('', 'all')]).toEqual([
      'all',
      99,
      'all',
      2,
      2,
      null,
    ]);
  });

  it('believes the last line, for the fit before the load writes them too', () => {
    expect(toldByLog(`load_tensors: offloaded 0/5 layers to GPU\n${LOG}`).layers).toEqual({ offloaded: 2, of: 5 });
  });

  it('is not told where the log or the answer says nothing, whatever it is', () => {
    for (const answer of [null, 'x', [], {}, { default_generation_settings: 'no', total_slots: '2' }]) {
      expect(Object.values(loadedFields(answer, 'junk', {})).filter((value) => value !== null)).toEqual([]);
      expect(isSleeping(answer)).toBe(false);
    }
    expect(countActive({})).toBeNull();
    expect(countActive([{ is_processing: true }, { is_processing: false }, null])).toBe(1);
  });
});

describe('Why a llama-server ended', () => {
  const ENDS: readonly (readonly [line: string, code: string, named: string])[] = [
    ["E srv start: couldn't bind HTTP server socket, hostname: 127.0.0.1, port: 18773", 'port-taken', '18773'],
    ['error: invalid argument: --no-mmap', 'engine-flag-unknown', '--no-mmap'],
    ['error while handling argument "-ctk": Unsupported cache type: q9_9', 'engine-setting-refused', 'q9_9'],
    ['error while handling argument "-dev": invalid device: CUDA9', 'engine-setting-refused', 'CUDA9'],
    ["E gguf_init_from_file: failed to open GGUF file '/nope.gguf' (No such file or directory)", 'weights-missing', '/nope.gguf'],
    [
      "E llama_model_load: error loading model: tensor 'token_embd.weight' data is not within the file bounds, model is corrupted or incomplete",
      'weights-damaged',
      'not within',
    ],
    ["E gguf_init_from_reader: invalid magic characters: 'hell', expected 'GGUF'", 'weights-damaged', 'magic'],
    ["error loading model: unknown model architecture: 'newthing'", 'weights-unsupported', 'newthing'],
    ['E ggml_backend: allocating 900 MiB on device 0: cudaMalloc failed: out of memory', 'out-of-memory', 'cudaMalloc'],
    ['E llama_init_from_model: quantized V cache requires flash_attn to be enabled', 'engine-setting-refused', 'flash_attn'],
    ['CUDA error: an illegal memory access was encountered', 'engine-crashed', 'illegal memory'],
    ['ggml-rpc.cpp:650: Failed to connect to 127.0.0.1:1', 'engine-crashed', '127.0.0.1:1'],
  ];

  it.each(ENDS)('is read from: %s', (line, code, named) => {
    const problem = explainEnd(`I srv load_model: loading\n${line}\nE srv  llama_server: exiting due to model loading error`, 1);
    expect(problem.code).toBe(code);
    expect(problem.summary).toContain(named);
    expect(problem.fix).toBeTruthy();
  });

  it('is not guessed where it wrote nothing', () => {
    const orderly = 'I srv    operator(): operator(): cleaning up before exit...';
    expect(explainEnd(orderly, null), 'somebody sent it SIGTERM').toMatchObject({ code: 'engine-told-to-end' });
    expect(explainEnd(`E srv  llama_server: exiting due to model loading error\n${orderly}`, 1).code).toBe('weights-unusable');
    expect(explainEnd('I srv update_slots: all slots are idle', 137)).toMatchObject({
      code: 'engine-ended',
      summary: expect.stringContaining('137'),
    });
    expect(explainEnd('', null).summary).not.toContain('null');
  });
});
