import { createHash } from 'node:crypto';
import type { InstanceSpec } from '../../src/domain/desired.ts';
import type { Fields } from '../../src/domain/fields.ts';
import type { Phase } from '../../src/domain/observed.ts';

/** An instance as the server tells it. */
export interface WorldInstance {
  readonly id: string;
  readonly spec: InstanceSpec;
  /** Who started it: a state folder. */
  readonly mark: string;
  readonly endpoint: string;
  readonly startedAt: string;
  /** A number that no other start got, as a pid would be. */
  readonly serial: number;
  phase: Phase;
  loaded: Fields;
  activeRequests: number;
}

/** What an act came to: an HTTP status and why. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** One backend's instances, with the rules of README.md. Acts happen at once; waiting is the server's. */
export class Realm {
  readonly instances = new Map<string, WorldInstance>();
  #serial = 0;

  list(): Answer {
    const instances = [...this.instances.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
    return { status: 200, body: { instances } };
  }

  look(id: string): Answer {
    const instance = this.instances.get(id);
    return instance ? { status: 200, body: instance } : missing(id);
  }

  start(id: string, spec: InstanceSpec, mark: string): Answer {
    const there = this.instances.get(id);
    if (there && there.spec.specHash !== spec.specHash) return { status: 409, body: { error: `${id} runs with another spec` } };
    if (there && there.phase !== 'failed') return { status: 200, body: there };
    if (spec.options['fail'] === 'start') return { status: 500, body: { error: 'out of memory' } };
    this.#serial += 1;
    const instance: WorldInstance = {
      id,
      spec,
      mark,
      endpoint: `http://127.0.0.1:${portOf(id)}`,
      startedAt: '2026-01-01T00:00:00.000Z',
      serial: this.#serial,
      phase: 'starting',
      loaded: told(spec.fields),
      activeRequests: 0,
    };
    this.instances.set(id, instance);
    return { status: 201, body: instance };
  }

  probe(id: string): Answer {
    const instance = this.instances.get(id);
    if (!instance) return missing(id);
    const fails = instance.spec.options['fail'] === 'probe' || instance.phase === 'failed';
    instance.phase = fails ? 'failed' : 'serving';
    return fails ? { status: 500, body: { error: 'it produced no token' } } : { status: 200, body: instance };
  }

  stop(id: string): Answer {
    return this.instances.delete(id) ? { status: 200, body: {} } : missing(id);
  }
}

function missing(id: string): Answer {
  return { status: 404, body: { error: `there is no ${id}` } };
}

/** What this engine tells of what it runs with. */
function told(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => name !== 'source' && name !== 'digest'));
}

function portOf(id: string): number {
  return 20_000 + (createHash('sha256').update(id).digest().readUInt16BE() % 40_000);
}
