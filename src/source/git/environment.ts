/** Environment variables, by name. */
export type Env = Readonly<Record<string, string | undefined>>;

/** One line of git's configuration: its key in git's spelling, and its value. */
export type Setting = readonly [key: string, value: string];

/** What git, ssh, gpg and the helpers of people need to find their own files, agents and proxies. Other GIT_* could name another repository. */
const PASSED = new RegExp(
  `^(?:${[
    'PATH|HOME|USER|LOGNAME|TMPDIR|XDG_\\w+',
    'SSH_AUTH_SOCK|SSH_AGENT_PID|GIT_SSH|GIT_SSH_COMMAND|GIT_SSH_VARIANT|GIT_ASKPASS|SSH_ASKPASS|GIT_PROXY_COMMAND',
    'GNUPGHOME|KRB5\\w+|DBUS_SESSION_BUS_ADDRESS|GH_\\w+|GITHUB_TOKEN|GITLAB_TOKEN',
    'SSL_CERT_FILE|SSL_CERT_DIR|GIT_SSL_\\w+|(?:https?|all|no)_proxy|(?:HTTPS?|ALL|NO)_PROXY',
    'GIT_CONFIG_GLOBAL|GIT_CONFIG_SYSTEM|GIT_CONFIG_NOSYSTEM',
  ].join('|')})$`,
);

/** The configuration that a command line or a CI gave for this one process. */
const GIVEN = /^GIT_CONFIG_(?:COUNT|KEY_\d+|VALUE_\d+|PARAMETERS)$/;

/** No program of a repository runs, nothing works on in the background, nothing is fetched but what was named. */
const SETTINGS: readonly Setting[] = [
  ['core.hooksPath', '/dev/null'],
  ['core.fsmonitor', 'false'],
  ['core.attributesFile', '/dev/null'],
  ['protocol.ext.allow', 'never'],
  ['submodule.recurse', 'false'],
  ['fetch.recurseSubmodules', 'false'],
  ['fetch.writeCommitGraph', 'false'],
  ['fetch.prune', 'false'],
  // Without it small fetches become loose objects, which are harder to count.
  ['fetch.unpackLimit', '1'],
  ['transfer.bundleURI', 'false'],
  ['gc.auto', '0'],
  ['gc.autoDetach', 'false'],
  ['gc.pruneExpire', '2.weeks.ago'],
  ['maintenance.auto', 'false'],
  ['log.showSignature', 'false'],
  ['credential.interactive', 'false'],
];

/** What every git of ours gets: nobody is asked, messages are English, only transports that are no programs of a repository. */
export function environmentOf(env: Env, settings: readonly Setting[]): Env {
  return {
    ...passed(env, PASSED),
    LC_ALL: 'C',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: env['GIT_ASKPASS'] ?? '',
    SSH_ASKPASS_REQUIRE: 'never',
    GCM_INTERACTIVE: 'never',
    // This one counts for more than any protocol.* of a configuration.
    GIT_ALLOW_PROTOCOL: 'file:git:http:https:ssh',
    GIT_LITERAL_PATHSPECS: '1',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_NO_LAZY_FETCH: '1',
    ...sshWords(env),
    ...configured([...settings, ...SETTINGS]),
  };
}

/** To ask the repository in which somebody started us for its configuration: with what was given to this process. */
export function environmentOfHome(env: Env): Env {
  return { ...passed(env, PASSED), ...passed(env, GIVEN), LC_ALL: 'C', GIT_TERMINAL_PROMPT: '0' };
}

function passed(env: Env, names: RegExp): Env {
  return Object.fromEntries(Object.entries(env).filter(([name]) => names.test(name)));
}

/** Settings as variables: neither a list of processes nor a file on disk shows their values. */
function configured(settings: readonly Setting[]): Env {
  const pairs = settings.flatMap(([key, value], index) => [
    [`GIT_CONFIG_KEY_${index}`, key],
    [`GIT_CONFIG_VALUE_${index}`, value],
  ]);
  return { GIT_CONFIG_COUNT: String(settings.length), ...Object.fromEntries(pairs) };
}

/** A command for ssh that asks nobody; other programs than ssh, and what a shell has to take apart, are left as they are. */
export function askingNobody(command: string): string {
  return /^\s*(?:[\w./-]*\/)?ssh(?:\s[^;&|<>()`]*)?$/.test(command) ? `${command} -oBatchMode=yes` : command;
}

function sshWords(env: Env): Env {
  const command = env['GIT_SSH_COMMAND'];
  return command ? { GIT_SSH_COMMAND: askingNobody(command) } : {};
}
