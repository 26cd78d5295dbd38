import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Fact, Plan, Step } from '../../src/domain/plan.ts';
import { canApply } from '../../src/domain/plan.ts';
import { makePlan } from '../../src/plan/index.ts';
import { renderPlanText } from '../../src/render/index.ts';
import { readCase } from './case.ts';

const root = resolve(import.meta.dirname, 'cases');
const folders = readdirSync(root).sort();

/** The plan as people see it, and below it the steps as `apply` walks them, with all that keeps them safe. */
function textOf(plan: Plan): string {
  const text = renderPlanText(plan, { color: false, width: 80 }).trimEnd();
  return `${text}\n\n-- steps, ${canApply(plan) ? 'may be applied' : 'nothing is applied'} --\n${plan.steps.map(stepText).join('')}`;
}

function stepText(step: Step): string {
  const { id, after, op, instance, cause, relies, leaves } = step;
  const rows = [`[${after.join(', ')}] -> ${id}: ${op} ${instance}, ${cause}`];
  if (relies.length > 0) rows.push(`    relies on ${relies.map(factText).join(' and ')}`);
  if (leaves.length > 0) rows.push(`    leaves ${leaves.map(factText).join(' and ')}`);
  if (op === 'stop') rows.push(`    ends spec ${step.specHash}, pid ${step.process?.pid ?? 'unknown'}`);
  if (op === 'probe' && step.tolerates) rows.push(`    tolerates ${step.tolerates.join(', ')}`);
  const undo = [...(op === 'probe' ? [`${step.onFailure} it`] : []), ...restored(step)];
  if (undo.length > 0) rows.push(`    on failure: ${undo.join(', then ')}`);
  return rows.map((row) => `${row}\n`).join('');
}

function restored(step: Step): readonly string[] {
  return 'restore' in step && step.restore ? [`put back ${step.restore.spec.id}`] : [];
}

function factText({ instance, backend, is, specHash }: Fact): string {
  return `${instance}@${backend} ${is}${specHash === null ? '' : ` ${specHash}`}`;
}

/** UPDATE=1 writes what the planner says now. Read the difference before you commit it: it is the change of behaviour. */
describe('The behaviour book of the planner', () => {
  for (const name of folders) {
    const folder = join(root, name);
    const { rule, input } = readCase(folder);
    it(`${name}: ${rule}`, () => {
      const file = join(folder, 'plan.txt');
      const text = textOf(makePlan(input));
      if (process.env['UPDATE'] === '1') writeFileSync(file, text);
      expect(existsSync(file), `${file} is missing: run with UPDATE=1, then read it`).toBe(true);
      // Line by line, so that a failure shows the lines that differ.
      expect(text.split('\n'), rule).toEqual(readFileSync(file, 'utf8').split('\n'));
    });
  }

  it('has whole cases only: a rule, a world, a plan and nothing else', () => {
    const parts = ['inventory.yaml', 'llmops.yaml', 'observed.yaml', 'plan.txt'];
    for (const name of folders) {
      const files = readdirSync(join(root, name)).sort();
      expect(
        files.filter((file) => !parts.includes(file)),
        name,
      ).toEqual([]);
      expect(files, name).toEqual(expect.arrayContaining(['llmops.yaml', 'observed.yaml', 'plan.txt']));
    }
    const rules = folders.map((name) => readCase(join(root, name)).rule);
    expect(rules.filter((rule) => !/^[A-Z].{15,}\.$/.test(rule))).toEqual([]);
    expect(new Set(rules).size).toBe(rules.length);
  });
});
