import type { Problem } from '../../domain/problem.ts';

interface Reason {
  /** Looked for only in what is said of a registry: `unexpected EOF` is said of files, too. */
  readonly ofRegistry?: true;
  readonly pattern: RegExp;
  readonly code: string;
  readonly summary: (match: RegExpExecArray) => string;
  readonly fix: string;
}

const DAMAGED = 'Fetch or copy the file again and compare its SHA-256.';

/** Texts of Ollama 0.33 and 0.34, and of the llama-server that it runs, and what they mean; the most telling first. */
const REASONS: readonly Reason[] = [
  {
    pattern: /digest mismatch, file must be downloaded again: want (\S+?),? got (\S+)/,
    code: 'weights-corrupt',
    summary: () => 'What the registry sent is not what it promised; Ollama threw it away.',
    fix: 'Try again; if it goes on, the registry or something on the way is broken.',
  },
  {
    pattern: /digest mismatch, expected/,
    code: 'weights-changed',
    summary: () => 'The file of weights is not the one that was planned with: its content has another digest.',
    fix: 'Plan again: llmops plan',
  },
  {
    pattern: /pull model manifest: file does not exist|manifest unknown|pull model manifest: 404/,
    code: 'weights-missing',
    summary: () => 'The registry has no model of that name and tag.',
    fix: 'Correct `source`; a tag that was taken away needs `llmops lock --upgrade`.',
  },
  {
    pattern: /pull model manifest: 412|requires a newer version of Ollama/,
    code: 'engine-too-old',
    summary: () => 'This model needs a newer Ollama.',
    fix: 'Update Ollama on that machine.',
  },
  {
    pattern: /server gave HTTP response to HTTPS client/,
    code: 'registry-insecure',
    summary: () => 'The registry speaks plain HTTP.',
    fix: 'If that is right, add it to `insecureRegistries` of the backend.',
  },
  {
    pattern: /(?:pull model manifest: |status )(401|403)\b|unauthorized|access to this resource is denied/i,
    code: 'registry-refused',
    summary: () => "The registry does not let the Ollama server have this model: it does not know the server's key.",
    fix: "Add the server's key (~/.ollama/id_ed25519.pub there) to your account at the registry. If it wants user and password: llmops lock --upgrade MODEL, which then notes it, and the weights are handed over.",
  },
  {
    pattern: /requires MLX|MLX runtime/,
    code: 'engine-cannot',
    summary: () => 'This model is for Apple hardware (MLX) only.',
    fix: 'Name a tag with GGUF weights.',
  },
  {
    pattern: /no space left on device|not enough space|disk quota exceeded/i,
    code: 'disk-full',
    summary: () => 'The disk of the Ollama server is full.',
    fix: 'Free space there: `ollama ls` lists what it keeps, `ollama rm NAME` removes it.',
  },
  {
    ofRegistry: true,
    pattern: /no Location header in response/,
    code: 'registry-no-redirect',
    summary: () => 'The registry sends files itself instead of naming where they are, and Ollama takes none that way.',
    fix: 'Name another source of the same weights (`hf:`, `https:`), or have the registry redirect.',
  },
  {
    ofRegistry: true,
    pattern:
      /dial tcp[^"]*|no such host|context deadline exceeded|max retries exceeded[^"]*|i\/o timeout|TLS handshake|unexpected EOF|connection reset/,
    code: 'registry-unreachable',
    summary: (match) => `The Ollama server could not fetch from the registry (${match[0].trim()}).`,
    fix: 'See whether that machine reaches it, then run the same command again: what was fetched is kept for an hour.',
  },
  {
    pattern: /unsupported tensor "([^"]*)" size overflows|unsupported file type|LoRA adapter|not in GGUF format|unknown type/,
    code: 'weights-unsupported',
    summary: (match) => `Ollama does not take these weights (${match[0]}).`,
    fix: 'Use another quantization or file, or another backend.',
  },
  {
    pattern:
      /^EOF$|unexpected EOF|offset\+size exceeds file size|invalid file magic|unexpected end|data is not within the file bounds|model is corrupted or incomplete|invalid magic characters/,
    code: 'weights-damaged',
    summary: (match) => `The weights are damaged or incomplete (${match[0]}).`,
    fix: DAMAGED,
  },
  {
    pattern: /invalid split GGUF[^"]*/,
    code: 'weights-split',
    summary: (match) => `The parts of the weights do not go together (${match[0]}).`,
    fix: 'See that all parts are of one model and have their names.',
  },
  {
    pattern: /unknown model architecture: '?([\w.-]+)/,
    code: 'weights-unsupported',
    summary: (match) => `This Ollama does not know models of architecture ${match[1]}.`,
    fix: 'Update Ollama.',
  },
  {
    pattern: /[VK] cache type \S+ with block size \d+ does not divide \S+|quantized V cache requires flash_attn/,
    code: 'engine-setting-refused',
    summary: (match) => `The server's KV cache does not suit this model: ${match[0]}.`,
    fix: 'Restart the server with OLLAMA_KV_CACHE_TYPE=f16, or run this model on another one.',
  },
  {
    pattern:
      /out-of-memory|cudaMalloc failed|unable to allocate|failed to allocate|ErrorOutOfDeviceMemory|model requires more system memory|std::bad_alloc/i,
    code: 'out-of-memory',
    summary: (match) => `There was not enough memory for the model (${match[0]}).`,
    fix: 'Ask for less `context`, a smaller quantization, or fewer `offload.gpuLayers`; or free memory.',
  },
  {
    pattern: /timed out waiting for llama-server/,
    code: 'engine-timeout',
    summary: () => 'Ollama gave up waiting for the model to load: nothing moved for OLLAMA_LOAD_TIMEOUT (5 minutes).',
    fix: "See the server's log; a slow disk may need a longer OLLAMA_LOAD_TIMEOUT.",
  },
  {
    pattern: /llama-server binary not found/,
    code: 'engine-broken',
    summary: () => 'Ollama is there and the program that it runs models with is not.',
    fix: 'Install Ollama again on that machine.',
  },
  {
    pattern: /server busy|maximum pending requests exceeded/,
    code: 'engine-busy',
    summary: () => 'The Ollama server has more requests waiting than it takes.',
    fix: 'Try again later, or restart it with a larger OLLAMA_MAX_QUEUE.',
  },
  {
    pattern: /option "([^"]+)" must be of type (\w+)|invalid option/,
    code: 'engine-setting-refused',
    summary: (match) => `Ollama refused a setting: ${match[0]}.`,
    fix: 'Change it in llmops.yaml.',
  },
  {
    pattern: /template error: [^"]*/,
    code: 'engine-setting-refused',
    summary: (match) => `Ollama refused the template: ${match[0]}.`,
    fix: 'Correct `options.template`.',
  },
  {
    pattern: /llama-server process has terminated[^"]*|llama runner process has terminated[^"]*|CUDA error[^"]*/,
    code: 'engine-crashed',
    summary: (match) => `The program that Ollama runs models with ended: ${shorten(match[0])}.`,
    fix: "See the server's log (`journalctl -u ollama`, or ~/.ollama/logs).",
  },
];

/** Why Ollama refused something, from its own words; `doing` begins the sentence. `pulls`: a registry was asked. Pure. */
export function explain(text: string, doing: string, pulls = text.startsWith('pull model')): Problem {
  for (const reason of REASONS) {
    const match = reason.ofRegistry && !pulls ? null : reason.pattern.exec(text);
    if (!match) continue;
    const summary = `${doing}: ${lower(reason.summary(match))}`;
    return { severity: 'error', code: reason.code, summary, fix: reason.fix, details: lastLines(text) };
  }
  return { severity: 'error', code: 'engine-refused-request', summary: `${doing}: Ollama said: ${shorten(text) || 'nothing'}.` };
}

function lastLines(text: string): readonly string[] {
  const lines = text.split('\n').map((line) => line.trimEnd());
  return lines.filter((line) => line !== '').slice(-12);
}

/** A sentence that goes on after a colon; names keep their capitals. */
function lower(sentence: string): string {
  return /^(The|This|There|What) /.test(sentence) ? `${sentence[0]?.toLowerCase()}${sentence.slice(1)}` : sentence;
}

function shorten(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > 200 ? `${line.slice(0, 200)}…` : line;
}
