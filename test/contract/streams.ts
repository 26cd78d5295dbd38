import { request } from 'node:http';
import type { JsonObject } from '../../src/domain/desired.ts';

/** A completion that comes in pieces. */
export interface Stream {
  /** Resolves with the first piece. */
  readonly begun: Promise<void>;
  /** Resolves when the connection is over: true if the engine said that it was done. */
  readonly ended: Promise<boolean>;
  isOver(): boolean;
  cancel(): void;
}

/** Asks an instance for a stream. */
export function openStream(endpoint: string, body: JsonObject): Stream {
  let isOver = false;
  let text = '';
  let begin: () => void = () => undefined;
  const begun = new Promise<void>((resolve) => (begin = resolve));
  const asked = request(`${endpoint}/v1/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, agent: false });
  const ended = new Promise<boolean>((resolve) => {
    const finish = () => {
      isOver = true;
      resolve(text.includes('[DONE]'));
    };
    asked.on('error', finish);
    asked.on('response', (response) => {
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString('utf8');
        if (text.includes('[DONE]')) isOver = true;
        begin();
      });
      response.on('error', finish);
      response.on('close', finish);
    });
  });
  asked.end(JSON.stringify({ ...body, stream: true }));
  return { begun, ended, isOver: () => isOver, cancel: () => asked.destroy() };
}
