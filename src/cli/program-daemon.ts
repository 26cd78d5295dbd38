import { Option } from 'commander';
import type { ServiceKind } from '../render/service/index.ts';
import type { AddVerb } from './add-verb.ts';
import { duration, positive } from './flag-values.ts';
import { stackFlags } from './verb-flags.ts';

/** As in `render/service`, which `--help` does not load. */
const SERVICES = ['systemd', 'launchd', 'container'] as const satisfies readonly ServiceKind[];

/** The daemon, and the verbs that talk to it. */
export function daemonVerbs(verb: AddVerb): void {
  keeping(verb);
  holding(verb);
  listening(verb);
}

function keeping(verb: AddVerb): void {
  stackFlags(
    verb(
      'up',
      'keep the stack as its file, or a branch, says: in the foreground, until Ctrl-C',
      ['llmops up', 'llmops up -C /srv/models --json', 'llmops up --print-unit systemd >llmops-home-lab.service'],
      () => import('./up.ts'),
    ),
  )
    .option('--json', 'events as a stream of JSON records')
    .addOption(new Option('--print-unit <manager>', 'print a file with which a service manager runs this, and end').choices(SERVICES))
    .option('--system', 'with --print-unit systemd: a unit of the machine, not of this user')
    .addOption(new Option('--guard', 'watch a release in the place of a daemon that died').hideHelp())
    .option('--parallelism <n>', 'steps at once', positive, 10)
    .addOption(
      new Option('--probe <duration>', 'how often the engines are looked at, instead of `daemon.probe` (default: 5s)').argParser(duration),
    );
}

function holding(verb: AddVerb): void {
  const reason = ['--reason <text>', 'why, for the history and for others'] as const;
  stackFlags(
    verb(
      'rollback [generation]',
      'go back to an earlier generation, and keep the daemon from undoing it',
      ['llmops rollback', 'llmops rollback 41', 'llmops rollback 41 -y --reason "answers in French"'],
      () => import('./rollback.ts'),
    ),
  )
    .option('-y, --auto-approve', 'do not ask')
    .addOption(new Option('--yes', 'do not ask').implies({ autoApprove: true }).hideHelp())
    .option(...reason);
  stackFlags(
    verb(
      'suspend [models...]',
      'make the daemon leave the stack, or some models, as they are',
      ['llmops suspend --reason "moving house"', 'llmops suspend chat --for 2h'],
      () => import('./suspend.ts'),
    ),
  )
    .option(...reason)
    .addOption(new Option('--for <time>', 'how long, as 2h; without it: until resumed').argParser(duration));
  stackFlags(
    verb(
      'resume [models...]',
      'end suspensions; where there are none, what a rollback holds back',
      ['llmops resume', 'llmops resume chat', 'llmops resume --rollback'],
      () => import('./resume.ts'),
    ),
  )
    .option('--rollback', 'also what a rollback holds back, whatever is suspended')
    .option(...reason);
  stackFlags(
    verb(
      'approve [plan]',
      'let through a plan that the daemon has parked, also outside of change windows',
      ['llmops approve', 'llmops approve 8c1f04be9a22'],
      () => import('./approve.ts'),
    ),
  ).option(...reason);
  stackFlags(
    verb(
      'reconcile',
      'make the daemon look at everything now, and try again what it had given up on',
      ['llmops reconcile'],
      () => import('./reconcile.ts'),
    ),
  );
}

function listening(verb: AddVerb): void {
  stackFlags(
    verb(
      'events',
      'what the daemon found and did, oldest first',
      ['llmops events', 'llmops events -f', 'llmops events -n 1000 --json'],
      () => import('./events.ts'),
    ),
    '--file <file>',
  )
    .option('-f, --follow', 'go on printing what comes, until Ctrl-C')
    .option('-n, --limit <n>', 'how many, the newest', positive, 20)
    .option('--json', 'as a stream of JSON records');
}
