import type { DaemonSpec, GitSpec, HookAddress, NotifySpec } from '../domain/daemon.ts';
import { WEEKDAYS, type ChangeWindow, type PolicySpec } from '../domain/policy.ts';
import { TROUBLE } from '../domain/daemon-event.ts';
import { USUAL_RETENTION, type RetentionSpec } from '../domain/retention.ts';
import { bytes, milliseconds } from './units.ts';
import type { Written } from './written.gen.ts';

type WrittenDaemon = NonNullable<Written['daemon']>;
type WrittenHook = NonNullable<WrittenDaemon['notify']>[number];

/** `daemon:` with every default filled in. The tree must be free of problems. */
export function daemonSpec({ git, webhook, probe, notify }: WrittenDaemon): DaemonSpec {
  return {
    git: git ? gitSpec(git) : null,
    webhook: webhook?.listen ?? null,
    probeMs: milliseconds(probe ?? '5s'),
    notify: (notify ?? []).map(notifySpec),
  };
}

function gitSpec(git: NonNullable<WrittenDaemon['git']>): GitSpec {
  return {
    remote: git.remote ?? 'origin',
    branch: git.branch ?? 'main',
    pollMs: milliseconds(git.poll ?? '15s'),
    verify: git.verify ?? 'none',
    requireFastForward: git.requireFastForward ?? false,
  };
}

function notifySpec({ url, format, on, minInterval }: WrittenHook): NotifySpec {
  return { url: address(url), format: format ?? 'json', on: on ?? [TROUBLE], minIntervalMs: milliseconds(minInterval ?? '5m') };
}

/** `null` beside the one place that is named says nothing. */
function address(url: WrittenHook['url']): HookAddress {
  if (typeof url === 'string') return { text: url };
  if (typeof url.env === 'string') return { env: url.env };
  return typeof url.file === 'string' ? { file: url.file } : { command: String(url.command) };
}

/** `policy:` with every default filled in. */
export function policySpec({ windows, approve }: NonNullable<Written['policy']>): PolicySpec {
  return { windows: (windows ?? []).map(changeWindow), approve: approve ?? 'none' };
}

function changeWindow({ days, from, to, timezone }: NonNullable<NonNullable<Written['policy']>['windows']>[number]): ChangeWindow {
  return { days: days ?? [...WEEKDAYS], from: minutes(from), to: minutes(to), timezone: timezone ?? null };
}

/** Since midnight. */
function minutes(time: string): number {
  const [hours = '0', rest = '0'] = time.split(':');
  return Number(hours) * 60 + Number(rest);
}

/** `retention:` with every default filled in. */
export function retentionSpec({ generations, weights }: NonNullable<Written['retention']>): RetentionSpec {
  const { generations: usual } = USUAL_RETENTION;
  return { generations: generations ?? usual, bytes: weights === undefined || weights === null ? null : bytes(weights) };
}
