import { copiesByModel } from '../domain/copies.ts';
import type { Known } from './crash-watch.ts';
import type { Survey } from './survey.ts';

/** What was applied, and whom of it clients do not reach where they are sent. */
export function lookedAfter({ inventory, observed }: Pick<Survey, 'inventory' | 'observed'>): Omit<Known, 'busy'> {
  const copies = copiesByModel(observed, inventory.endpoints);
  const isReached = (model: string): boolean => {
    const instance = inventory.endpoints[model]?.instance;
    return (copies.get(model) ?? []).some(({ id, phase }) => id === instance && phase !== 'failed');
  };
  const models = Object.entries(inventory.models);
  return {
    applied: new Map(models.map(([model, { specHash }]) => [model, specHash])),
    unreached: new Set(models.map(([model]) => model).filter((model) => !isReached(model))),
  };
}
