import * as fc from 'fast-check';
import type { Plan } from '../../src/domain/plan.ts';
import { at, blocked, cost, create, fieldChange, keep, plan, planned, remove, surgeSteps, update } from './plans.ts';

/** Text as the world may send it: any character, control characters and escape sequences included. */
export const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.constantFrom('\x1b[31mred', 'a\r\nb', '`'.repeat(9), '| x |', '</code></details>', '\u202egnp', 'x'.repeat(300)),
);
const gentle = fc.stringMatching(/^[a-z]{1,10}$/);

const scalar = (word: fc.Arbitrary<string>) => fc.oneof(word, fc.integer(), fc.boolean(), fc.constant(null));

function changes(word: fc.Arbitrary<string>) {
  const field = fc.record({
    field: word,
    from: scalar(word),
    to: scalar(word),
    price: fc.constantFrom('live' as const, 'restart' as const, 'replace' as const),
  });
  const costs = fc
    .record({
      downloadBytes: fc.nat(),
      drainMs: fc.nat(),
      activeRequests: fc.option(fc.nat()),
      downtime: fc.constantFrom('none' as const, 'one-start' as const, 'until-recreated' as const, 'ends' as const),
    })
    .map((over) => cost(over));
  return fc
    .record({
      model: word,
      backend: word,
      cause: word,
      line: fc.integer({ min: 1, max: 9999 }),
      file: word,
      fields: fc.array(
        field.map((over) => fieldChange(over)),
        { maxLength: 4 },
      ),
      costs,
      pick: fc.nat(5),
    })
    .map((one) => {
      const base = { model: one.model, backend: one.backend, cause: one.cause, place: at(one.line, one.file) };
      const fields = one.fields.map((each) => ({ ...each, place: base.place }));
      if (one.pick === 0) return keep({ ...base, unverified: [one.cause] });
      if (one.pick === 1) return create({ ...base, fields, cost: one.costs });
      if (one.pick === 2) return remove({ ...base, cost: one.costs });
      if (one.pick === 3)
        return blocked({ ...base, problem: { severity: 'error', code: 'no', summary: one.cause, fix: one.model, place: base.place } });
      return update({
        ...base,
        fields,
        cost: one.costs,
        replacement: one.pick === 4 ? 'surge' : 'swap',
        replacementReason: one.cause,
        unverified: [one.model],
      });
    });
}

/** Plans of every shape, with the given sort of words in every place where a user or the world can put words. */
export function plans(word: fc.Arbitrary<string>): fc.Arbitrary<Plan> {
  return fc
    .record({
      changes: fc.array(changes(word), { maxLength: 8 }),
      words: fc.tuple(word, word, word),
      mode: fc.constantFrom('apply' as const, 'destroy' as const, 'down' as const, 'refresh-only' as const),
      steps: fc.boolean(),
    })
    .map(({ changes: all, words: [a, b, c], mode, steps }) =>
      plan({
        stack: a,
        file: b,
        environment: c,
        mode,
        changes: all,
        backends: [planned(a, { engine: b }), planned(c, { status: 'unreachable', engine: null })],
        steps: steps ? all.flatMap((change) => surgeSteps(change.model)) : [],
        drift: [{ model: a, backend: b, instance: c, field: a, from: b, to: c, reason: 'edited', policy: 'warn', detail: c }],
        foreign: [{ backend: a, id: b, model: c, endpoint: null }],
        inert: [{ path: a, reason: b, place: at(3, c) }],
        interrupted: [{ run: a, step: b, op: 'start', model: c, at: a }],
        problems: [{ severity: 'warning', code: a, summary: b, expected: c, fix: a, place: at(1, b) }],
      }),
    );
}

export const hostilePlans = plans(hostile);
export const gentlePlans = plans(gentle);
