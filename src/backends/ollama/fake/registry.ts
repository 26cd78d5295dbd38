import { fullName } from '../names.ts';
import { CONFIG, MODEL, Store, type Dress } from './store.ts';

/** What a registry may do wrong, for one name. */
export interface RegistryFault {
  /** Sends so many bytes of the weights, then closes the connection. Each pull consumes one. */
  readonly cutAfter?: readonly number[];
  /** Sends other bytes than it promised. */
  readonly corrupt?: boolean;
  /** Sends files itself, without a redirect: Ollama (0.34.4) takes none that way. */
  readonly noRedirect?: boolean;
}

/** Every registry that the fake can reach, in memory. */
export class Registry {
  readonly #store = new Store();
  readonly faults = new Map<string, RegistryFault>();

  /**
   * Publishes a model under a tag, as whoever owns it does; an earlier one of that name is moved. Returns the digest of its
   * manifest.
   */
  publish(name: string, weights: Buffer, dress: Dress = {}): string {
    const config = this.#store.add(Buffer.from('{"model_format":"gguf","model_family":"llama"}'), CONFIG);
    const layers = this.#store.dress([this.#store.add(weights, MODEL)], dress);
    // Without the line feed that Ollama writes: the digest of a model changes when it is pushed.
    this.#store.put(name, Buffer.from(JSON.stringify({ schemaVersion: 2, config, layers })));
    return this.#store.manifest(name)?.digest ?? '';
  }

  /** The bytes of a manifest; null: there is none of that name and tag. */
  manifest(name: string): Buffer | null {
    return this.#store.manifest(name)?.bytes ?? null;
  }

  blob(digest: string): Buffer {
    return this.#store.blobs.get(digest) ?? Buffer.alloc(0);
  }

  faultOf(name: string): RegistryFault {
    return this.faults.get(fullName(name)) ?? {};
  }
}
