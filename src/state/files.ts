import { join } from 'node:path';
import type { BackendSpec, Json } from '../domain/desired.ts';
import type { AppliedModel, Endpoint, FailedTry, Inventory } from '../domain/observed.ts';
import type { Plan } from '../domain/plan.ts';
import { isObject } from './durable.ts';

/** Names of the files in a stack's state folder. */
export const stateFiles = {
  inventory: (dir: string) => join(dir, 'inventory.json'),
  endpoints: (dir: string) => join(dir, 'endpoints.json'),
  journal: (dir: string) => join(dir, 'journal.ndjson'),
  stack: (dir: string) => join(dir, 'stack.json'),
  generations: (dir: string) => join(dir, 'generations'),
  generation: (dir: string, number: number) => join(dir, 'generations', `${String(number).padStart(6, '0')}.json`),
} as const;

/** inventory.json: what was last applied. */
export interface InventoryFile {
  readonly formatVersion: string;
  readonly generation: number | null;
  readonly appliedAt: string | null;
  /** What that generation was. Absent: written by an earlier version. */
  readonly mode?: Plan['mode'];
  /** Backends on which there may be instances of ours, also when they are no longer declared. */
  readonly backends: readonly BackendSpec[];
  readonly models: Readonly<Record<string, AppliedModel>>;
  /** See {@link Inventory.failures}. */
  readonly failures?: Readonly<Record<string, FailedTry>>;
  /** See {@link Inventory.left}. */
  readonly left?: Inventory['left'];
}

/** endpoints.json: where clients are sent. Scripts and the gateway read it; it holds nothing else. */
export interface EndpointsFile {
  readonly formatVersion: string;
  readonly models: Readonly<Record<string, Endpoint>>;
}

export const EMPTY_INVENTORY: InventoryFile = { formatVersion: '1.0', generation: null, appliedAt: null, backends: [], models: {} };
export const EMPTY_ENDPOINTS: EndpointsFile = { formatVersion: '1.0', models: {} };

/** The file's content, or null if it has not its shape. */
export function inventoryShape(value: Json): InventoryFile | null {
  if (!isObject(value) || !isObject(value['models'])) return null;
  const numbered = value['generation'] === null || typeof value['generation'] === 'number';
  return numbered && Array.isArray(value['backends']) && Object.values(value['models']).every(isApplied)
    ? (value as unknown as InventoryFile)
    : null;
}

/** The file's content, or null if it has not its shape. */
export function endpointsShape(value: Json): EndpointsFile | null {
  if (!isObject(value) || !isObject(value['models'])) return null;
  return Object.values(value['models']).every(isEndpoint) ? (value as unknown as EndpointsFile) : null;
}

function isApplied(value: Json): boolean {
  return isObject(value) && typeof value['backend'] === 'string' && typeof value['specHash'] === 'string' && isObject(value['fields']);
}

function isEndpoint(value: Json): boolean {
  return isObject(value) && typeof value['instance'] === 'string' && typeof value['url'] === 'string';
}
