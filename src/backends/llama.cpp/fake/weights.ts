import { readFileSync, writeFileSync } from 'node:fs';

/** What the fake reads of weights: `GGUF` and a line of JSON. A real GGUF file counts as a model of 4 layers. */
export interface FakeWeights {
  readonly contextTrained: number;
  readonly layers: number;
}

/** Writes weights that the fake can load. */
export function writeFakeWeights(path: string, weights: FakeWeights): void {
  writeFileSync(path, `GGUF${JSON.stringify(weights)}`);
}

/** Reads weights, or throws an Error with the lines that llama-server 0.7.0 logs. */
export function readFakeWeights(path: string): FakeWeights {
  const text = readOrNull(path);
  if (text === null) {
    throw new Error(
      `E gguf_init_from_file: failed to open GGUF file '${path}' (No such file or directory)\nE cmn  common_init_: failed to load model '${path}'\nE srv  llama_server: exiting due to model loading error`,
    );
  }
  if (!text.startsWith('GGUF')) {
    throw new Error(
      `E gguf_init_from_reader: invalid magic characters: '${text.slice(0, 4)}', expected 'GGUF'\nE srv  llama_server: exiting due to model loading error`,
    );
  }
  try {
    return JSON.parse(text.slice(4)) as FakeWeights;
  } catch {
    if (text.length > 4096) return { contextTrained: 1024, layers: 4 };
    throw new Error(
      `E llama_model_load: error loading model: tensor 'token_embd.weight' data is not within the file bounds, model is corrupted or incomplete\nE srv  llama_server: exiting due to model loading error`,
    );
  }
}

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return null;
  }
}
