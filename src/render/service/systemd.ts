import { serviceName, variablesOf, type ServiceFacts } from './facts.ts';

/** A unit for systemd 240 and newer, whoever it is installed for. */
export function systemdUnit(facts: ServiceFacts): string {
  const isSystem = facts.scope === 'system';
  const sections = [
    installing(facts),
    ['[Unit]', `Description=llmops, stack ${specifiers(facts.stack)}`, ...(isSystem ? NETWORK : []), 'StartLimitIntervalSec=0'],
    ['[Service]', ...service(facts), ...ENDING, ...(isSystem ? SYSTEM : USER)],
    ['[Install]', `WantedBy=${isSystem ? 'multi-user.target' : 'default.target'}`],
  ];
  return `${sections.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

function installing(facts: ServiceFacts): readonly string[] {
  const name = `${serviceName(facts)}.service`;
  if (facts.scope === 'system') {
    return [
      `# Save as /etc/systemd/system/${name}, then:`,
      '#   systemctl daemon-reload',
      `#   systemctl enable --now ${name}`,
      `# Its log: journalctl -u ${name}`,
    ];
  }
  return [
    `# Save as ~/.config/systemd/user/${name}, then:`,
    '#   systemctl --user daemon-reload',
    `#   systemctl --user enable --now ${name}`,
    '#   loginctl enable-linger    # else it ends, and the engines with it, when you log out',
    `# Its log: journalctl --user -u ${name}`,
  ];
}

const NETWORK = ['Wants=network-online.target', 'After=network-online.target'];

function service(facts: ServiceFacts): readonly string[] {
  const { program, args, watchdogSeconds, scope, user } = facts;
  return [
    'Type=notify',
    '# The messages come from systemd-notify, a child of the daemon.',
    'NotifyAccess=all',
    `ExecStart=${commandLine([program, ...args])}`,
    ...(scope === 'system' ? [`User=${specifiers(user)}`] : []),
    ...variablesOf(facts).map(([name, value]) => `Environment=${quoted(specifiers(`${name}=${value}`))}`),
    'Restart=always',
    'RestartSec=5',
    ...(watchdogSeconds === null ? [] : [`WatchdogSec=${watchdogSeconds}`]),
  ];
}

const ENDING = [
  '',
  '# The engines outlive the daemon: the next one finds them again. `llmops down` ends them.',
  '# systemd tells of them as left-over processes: that is meant. `systemctl kill` would reach them: give it --kill-whom=main.',
  'KillMode=process',
  '# An engine that the kernel ends for want of memory is started anew by the daemon; it is no reason to end the others.',
  'OOMPolicy=continue',
  '# A step that was begun is brought to its end.',
  'TimeoutStopSec=120',
];

/** What needs a seccomp filter or a namespace of users is not asked for: both take the GPUs away, in ways that are hard to find. */
const HARDENING = [
  '',
  '# What would keep the engines from their GPUs is left out on purpose: PrivateDevices= hides them, DynamicUser= and PrivateUsers=',
  '# take the groups `video` and `render`, and NoNewPrivileges= (with all that implies it: SystemCallFilter=, RestrictSUIDSGID=,',
  '# LockPersonality= ...) keeps nvidia-modprobe from making /dev/nvidia-uvm. Engines outlive the daemon, so PrivateTmp= would give',
  '# the next one another /tmp than theirs; ProtectProc= would hide them from it.',
];

const USER = [...HARDENING, 'UMask=0077'];

const SYSTEM = [
  ...HARDENING,
  '# /usr, /boot and /etc are read-only. State, weights and the caches of GPU drivers lie in the home of the user.',
  'ProtectSystem=full',
  'ProtectControlGroups=yes',
  'UMask=0077',
  '# For models that are locked in memory (mlock).',
  'LimitMEMLOCK=infinity',
];

/** Source: systemd.service(5), "Command lines". The name of the program knows no `$`. */
function commandLine([program = '', ...args]: readonly string[]): string {
  // systemd takes no program with such a name, quoted or not. A shell does.
  if (/["'\\]/.test(program)) return commandLine(['/bin/sh', '-c', 'exec "$0" "$@"', program, ...args]);
  return [quoted(specifiers(program)), ...args.map((word) => quoted(specifiers(word).replaceAll('$', '$$$$')))].join(' ');
}

/** `%` begins a specifier of systemd's, everywhere. */
function specifiers(text: string): string {
  return text.replaceAll('%', '%%');
}

/** Quoted only if it has to be, for people. */
function quoted(text: string): string {
  return /^[\w@%+=:,./$-]+$/.test(text) ? text : `"${text.replace(/[\\"]/g, '\\$&')}"`;
}
