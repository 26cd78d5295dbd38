import type { Command } from 'commander';
import { shellWord } from './screen.ts';

/** What people type who come from other tools, and what does that here. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  create: 'apply',
  delete: 'destroy',
  deploy: 'apply',
  get: 'status',
  kill: 'down',
  list: 'status',
  log: 'logs',
  ls: 'status',
  ps: 'status',
  pull: 'apply --prefetch-only',
  refresh: 'plan --refresh-only',
  remove: 'destroy',
  restart: 'apply --replace MODEL',
  rm: 'destroy',
  run: 'apply',
  start: 'apply',
  stop: 'down',
};

/** A word that is a path of a stack file rather than the name of a model. */
const LIKE_A_FILE = /[./]/;

/** A mistake on the command line as commander words it, with what to type instead where that can be told. */
export function explainUsage(text: string, argv: readonly string[], verbs: readonly Command[]): string {
  const [first = '', ...rest] = text.trimEnd().split('\n');
  const told = unknownVerb(first) ?? flagBeforeVerb(first, argv, verbs) ?? wordTooMuch(first, verbs);
  return `${[first, ...(told === null ? rest : [told])].join('\n')}\n`;
}

function unknownVerb(line: string): string | null {
  const [, word = ''] = /^error: unknown command '(.*)'/.exec(line) ?? [];
  return Object.hasOwn(ELSEWHERE, word) ? `(Did you mean \`llmops ${ELSEWHERE[word]}\`?)` : null;
}

/** A flag that the verb knows and that stands before it. */
function flagBeforeVerb(line: string, argv: readonly string[], verbs: readonly Command[]): string | null {
  const [, flag = ''] = /^error: unknown option '([^'=]*)/.exec(line) ?? [];
  const at = argv.findIndex((word) => verbs.some((verb) => verb.name() === word));
  const verb = verbs.find((each) => each.name() === argv[at]);
  const option = verb?.options.find((each) => each.short === flag || each.long === flag);
  const before = argv.findIndex((word) => word.replace(/=.*/, '') === flag);
  if (verb === undefined || option === undefined || before < 0 || before > at) return null;
  return `(Flags of a verb stand behind it: llmops ${verb.name()} ${argv.slice(before, at).map(shellWord).join(' ')})`;
}

function wordTooMuch(line: string, verbs: readonly Command[]): string | null {
  const [, name = '', words = ''] = /^error: too many arguments for '(\S+)'\. Expected 0 arguments but got \d+: (.*)\.$/.exec(line) ?? [];
  const word = words.split(', ')[0] ?? '';
  const options = verbs.find((verb) => verb.name() === name)?.options ?? [];
  const has = (long: string) => options.some((option) => option.long === long && !option.hidden);
  const flag = LIKE_A_FILE.test(word) ? (has('--file') ? '-f' : null) : has('--target') ? '--target' : null;
  return flag === null || word === '' ? null : `(Did you mean \`llmops ${name} ${flag} ${shellWord(word)}\`?)`;
}
