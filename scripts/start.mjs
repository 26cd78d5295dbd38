// `npm start`: plans and applies the root llmops.yaml, then asks the model that it started one question.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const llmops = join(root, 'bin', 'llmops');
const question = { system: 'Answer the customer politely.', user: 'My kettle leaks, what can I do?' };

/** Runs llmops in the repository; its screen is ours unless the output is wanted. */
function run(args, stdout) {
  return spawnSync(llmops, ['-C', root, ...args], { stdio: ['inherit', stdout, 'inherit'], encoding: 'utf8' });
}

/** Asks an OpenAI-compatible endpoint and gives its answer's text. */
async function ask(url, model) {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      model,
      temperature: 0,
      max_tokens: 80,
      messages: [
        { role: 'system', content: question.system },
        { role: 'user', content: question.user },
      ],
    }),
  });
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
  return (await response.json()).choices[0].message.content;
}

/** One change to try, as long as it was not made. */
function advice() {
  const text = readFileSync(join(root, 'llmops.yaml'), 'utf8');
  return /^ +context: 512\b/m.test(text) ? ' (context: 512 -> 1024, say)' : '';
}

const applied = run(['apply', '--auto-approve'], 'inherit');
if (applied.status !== 0) process.exit(applied.status ?? 1);

const status = run(['status', '--json'], 'pipe');
if (status.status !== 0) process.exit(status.status ?? 1);
const models = JSON.parse(status.stdout).models.filter((model) => model.endpoint);

const answers = process.stdout;
answers.write('\nOpenAI-compatible endpoint:\n');
for (const model of models) answers.write(`  ${model.name}  ${model.endpoint}/v1\n`);
const first = models[0];
answers.write(`\nAsking ${first.name}: ${question.user}\n`);
answers.write(`  ${(await ask(first.endpoint, first.name)).trim()}\n`);
answers.write(`
Next: edit llmops.yaml${advice()}, then
  npx llmops plan      what would change, and what it costs
  npx llmops apply     make it so
  npx llmops status    what is wanted, what runs
  npx llmops down      stop it
`);
