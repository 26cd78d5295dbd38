import type { Problem } from '../../domain/problem.ts';

interface Reason {
  readonly pattern: RegExp;
  readonly code: string;
  readonly summary: (match: RegExpExecArray) => string;
  readonly fix: string;
}

/** Texts of llama-server 0.5 to 0.7 and what they mean, the most telling first. */
const REASONS: readonly Reason[] = [
  {
    pattern: /couldn't bind HTTP server socket, hostname: (\S+), port: (\d+)/,
    code: 'port-taken',
    summary: (match) => `llama-server could not listen on ${match[1]}:${match[2]}: somebody else does.`,
    fix: 'Free that port, or take `options.port` away so that llmops picks a free one.',
  },
  {
    pattern: /error: invalid argument: (\S+)/,
    code: 'engine-flag-unknown',
    summary: (match) => `This llama-server does not know the flag ${match[1]}.`,
    fix: 'Take it out of `options.args`; `llama-server --help` lists what this build knows.',
  },
  {
    pattern: /error while handling argument "([^"]+)": (.+)/,
    code: 'engine-setting-refused',
    summary: (match) => `llama-server refused the value of ${match[1]}: ${match[2]?.trim()}.`,
    fix: 'Change that setting in llmops.yaml; `llama-server --help` lists what is allowed, `--list-devices` the devices.',
  },
  {
    pattern: /failed to open GGUF file '([^']*)' \(([^)]*)\)/,
    code: 'weights-missing',
    summary: (match) => `llama-server could not open the weights ${match[1]}: ${match[2]}.`,
    fix: 'Put the file back, or correct `source` in llmops.yaml.',
  },
  {
    pattern:
      /data is not within the file bounds|model is corrupted or incomplete|invalid magic characters|failed to read (?:tensor|magic|key)|unexpected end of file/,
    code: 'weights-damaged',
    summary: (match) => `The weights are damaged or incomplete (${match[0]}).`,
    fix: 'Fetch or copy the file again and compare its SHA-256.',
  },
  {
    pattern: /unknown model architecture: '?([\w.-]+)/,
    code: 'weights-unsupported',
    summary: (match) => `This llama-server does not know models of architecture ${match[1]}.`,
    fix: 'Use a newer llama-server.',
  },
  {
    pattern:
      /cudaMalloc failed: out of memory|failed to allocate buffer|failed to allocate compute|unable to allocate \S+ buffer|ErrorOutOfDeviceMemory|std::bad_alloc|failed to mlock/i,
    code: 'out-of-memory',
    summary: (match) => `There was not enough memory for the model (${match[0]}).`,
    fix: 'Ask for less `context` or `parallel`, a smaller `kvCache` or quantization, or fewer `offload.gpuLayers`; or free memory.',
  },
  {
    pattern:
      /quantized V cache requires flash_attn|V cache type \S+ with block size \d+ does not divide|K cache type \S+ with block size \d+ does not divide/,
    code: 'engine-setting-refused',
    summary: (match) => `llama-server refused the KV cache: ${match[0]}.`,
    fix: 'Use `kvCache: f16`, or allow `options.flashAttention`.',
  },
  {
    pattern: /CUDA error: (.+)|GGML_ASSERT\(.*\) failed|ggml_abort|Failed to connect to (\S+)|terminate called/,
    code: 'engine-crashed',
    summary: (match) => `llama-server crashed: ${match[0].trim()}.`,
    fix: 'See the log. If it goes on, try another build, or fewer offloaded layers.',
  },
  {
    pattern: /exiting due to model loading error|failed to load model/,
    code: 'weights-unusable',
    summary: () => 'llama-server could not load the model.',
    fix: 'Its log says why.',
  },
  {
    // The last words of every orderly end, so it is told only where nothing says what led to it. A machine short of memory gives no notice.
    pattern: /cleaning up before exit/,
    code: 'engine-told-to-end',
    summary: () => 'llama-server ended in an orderly way: somebody asked it to, with `kill` or as a service manager does.',
    fix: 'Run `llmops apply` to start it again. To end a model, type `llmops down --target MODEL`.',
  },
];

/** Why a llama-server ended, from the last lines of its log and its exit code if known. Pure. */
export function explainEnd(logTail: string, exitCode: number | null): Problem {
  for (const reason of REASONS) {
    const match = reason.pattern.exec(logTail);
    if (match) return { severity: 'error', code: reason.code, summary: reason.summary(match), fix: reason.fix };
  }
  const how = exitCode === null ? 'without saying why' : `with exit code ${exitCode}, without saying why`;
  return {
    severity: 'error',
    code: 'engine-ended',
    summary: `llama-server ended ${how}. A kill from outside, as when the machine runs out of memory, leaves no line.`,
    fix: 'Run `llmops apply` to start it again; if it ends again, see that there is memory for it (`dmesg | tail` names what was killed).',
  };
}
