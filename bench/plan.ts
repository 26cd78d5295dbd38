import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inTurn, median, runOnce, summary, type Run } from './measure.ts';
import { convergeAtOnce, worldStack, type WorldStack } from './world-stack.ts';

const BACKENDS = 10;
const ROUNDS = 7;

/**
 * A plan that finds nothing to do, over HTTP, with ten fake backends: 100, 1,000 and 10,000 models, beside
 * `terraform plan` of 1,000 built-in resources in the same rounds (where terraform is installed).
 */
export async function run(): Promise<void> {
  const small = await converged(100);
  const middle = await converged(1000);
  const terraform = await terraformStack(1000);
  const runs = await inTurn(ROUNDS, {
    'llmops plan, 100 models': () => noop(small),
    'llmops plan, 1,000 models': () => noop(middle),
    ...(terraform ? { 'terraform plan, 1,000 resources': terraform.plan } : {}),
  });
  report(runs);
  await Promise.all([small.remove(), middle.remove(), terraform?.remove()]);
  const large = await converged(10_000);
  const tenThousand = await inTurn(3, { 'llmops plan, 10,000 models': () => noop(large) });
  report(tenThousand);
  await large.remove();
  const ms = (name: string) => median(({ ...runs, ...tenThousand } as Record<string, readonly Run[]>)[name]?.map((one) => one.ms) ?? []);
  const [hundred, thousand, ten] = [ms('llmops plan, 100 models'), ms('llmops plan, 1,000 models'), ms('llmops plan, 10,000 models')];
  process.stdout.write(
    `per model: 1,000 against 100: ${(thousand / hundred / 10).toFixed(2)} · 10,000 against 1,000: ${(ten / thousand / 10).toFixed(2)} (1 is linear, less is better)\n`,
  );
  if (terraform) process.stdout.write(`llmops / terraform at 1,000: ${(thousand / ms('terraform plan, 1,000 resources')).toFixed(2)}\n`);
  else process.stdout.write('terraform is not installed: no comparison\n');
}

async function converged(models: number): Promise<WorldStack> {
  const stack = await worldStack(models, BACKENDS);
  await convergeAtOnce(stack);
  return stack;
}

/** With the detailed exit code, 0 says that there was nothing to do: anything else fails the bench. */
function noop(stack: WorldStack): Promise<Run> {
  return stack.llmops(['plan', '--detailed-exitcode'], [0]);
}

async function terraformStack(resources: number): Promise<{ plan: () => Promise<Run>; remove: () => Promise<void> } | null> {
  const dir = await mkdtemp(join(tmpdir(), 'llmops-bench-tf-'));
  const all = Array.from(
    { length: resources },
    (_, n) =>
      `resource "terraform_data" "model_${n}" {\n  input = { backend = "box${n % BACKENDS}", context = ${256 + (n % 3) * 256} }\n}\n`,
  );
  await writeFile(join(dir, 'main.tf'), all.join(''));
  const terraform = (args: readonly string[]) => runOnce('terraform', args, { cwd: dir });
  try {
    await terraform(['init', '-input=false']);
  } catch {
    await rm(dir, { recursive: true, force: true });
    return null;
  }
  await terraform(['apply', '-auto-approve', '-input=false']);
  return { plan: () => terraform(['plan', '-input=false', '-detailed-exitcode']), remove: () => rm(dir, { recursive: true, force: true }) };
}

function report(runs: Readonly<Record<string, readonly Run[]>>): void {
  for (const [name, results] of Object.entries(runs)) process.stdout.write(`${name.padEnd(32)} ${summary(results)}\n`);
}
