/** Somebody else at the same server, with Ollama's own API. */
export interface User {
  readonly url: string;
  /** Names on its list. */
  names(): Promise<readonly string[]>;
  digestOf(name: string): Promise<string | null>;
  ps(): Promise<readonly PsRow[]>;
  /** Answers with JSON, or with the lines of a stream; throws for a refusal. */
  post(path: string, body: object): Promise<Readonly<Record<string, unknown>>>;
  copy(from: string, to: string): Promise<void>;
  remove(name: string): Promise<void>;
}

export interface PsRow {
  readonly name: string;
  readonly digest: string;
  readonly size: number;
  readonly size_vram: number;
  readonly context_length: number;
  readonly expires_at: string;
}

/** A user of the server at `url`. */
export function userOf(url: string): User {
  const send = async (method: string, path: string, body?: object): Promise<string> => {
    const answer = await fetch(`${url}${path}`, { method, ...(body && { body: JSON.stringify(body) }) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text}`);
    return text;
  };
  const tags = async () => (JSON.parse(await send('GET', '/api/tags')) as { models: { name: string; digest: string }[] }).models;
  return {
    url,
    names: async () => (await tags()).map(({ name }) => name),
    digestOf: async (name) => (await tags()).find((tag) => tag.name === name)?.digest ?? null,
    ps: async () => (JSON.parse(await send('GET', '/api/ps')) as { models: PsRow[] }).models,
    post: async (path, body) => {
      const text = await send('POST', path, body);
      const last = JSON.parse(text.trim().split('\n').at(-1) ?? '{}') as Readonly<Record<string, unknown>>;
      if (typeof last['error'] === 'string') throw new Error(last['error']);
      return last;
    },
    copy: async (source, destination) => void (await send('POST', '/api/copy', { source, destination })),
    remove: async (model) => void (await send('DELETE', '/api/delete', { model })),
  };
}
