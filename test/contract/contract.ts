import { describe, expect, it } from 'vitest';
import { describeCases } from './cases.ts';
import { drainCases } from './drain.ts';
import { fieldCases } from './fields.ts';
import { observeCases } from './observe.ts';
import { adoptionCases } from './adoption.ts';
import { startCases } from './start.ts';
import { stopCases } from './stop.ts';
import type { Conformance } from './world.ts';

const GROUPS = {
  wishing: fieldCases,
  starting: startCases,
  observing: observeCases,
  'finding again': adoptionCases,
  draining: drainCases,
  stopping: stopCases,
};

/** What every backend must do, with processes of its own or in one server, against its fake and against the real engine alike. */
export function describeBackend(conformance: Conformance): void {
  describe(`backend ${conformance.name}`, () => {
    for (const [topic, cases] of Object.entries(GROUPS)) describeCases(topic, conformance, cases);
    it('skips no case that does not exist', () => {
      const titles = Object.values(GROUPS).flatMap((cases) => cases.map(([title]) => title));
      expect(Object.keys(conformance.skip ?? {}).filter((title) => !titles.includes(title))).toEqual([]);
    });
  });
}
