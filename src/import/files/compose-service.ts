import { listOf, mapOf, textOf, type Unknowns } from '../json.ts';
import { shellWords } from '../words.ts';

/** A service of a compose file, as far as it tells how an engine runs. */
export interface Service {
  readonly image: string;
  /** Entrypoint and command. */
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly ports: readonly unknown[];
  /** A path in the container as one of llmops.yaml; null: no folder of this machine is mounted there. */
  readonly path: (written: string) => string | null;
  /** Variables that the words need and that the file gives no value for. */
  readonly missing: readonly string[];
  /** Keys that were not looked at. */
  readonly others: readonly string[];
}

const READ = new Set([
  'image',
  'command',
  'entrypoint',
  'environment',
  'ports',
  'volumes',
  'container_name',
  'labels',
  'profiles',
  'depends_on',
  'networks',
]);

/** Reads a service. `hostPath` turns a path beside the compose file into one of llmops.yaml. Pure. */
export function serviceOf(service: Unknowns, hostPath: (written: string) => string | null): Service {
  const missing = new Set<string>();
  const told = (text: string): string => interpolate(text, missing);
  const words = [...wordsOf(service['entrypoint']), ...wordsOf(service['command'])].map(told);
  const mounts = listOf(service['volumes']).flatMap((volume) => mountOf(volume, told));
  return {
    image: told(textOf(service['image']) ?? ''),
    words,
    env: variablesOf(service['environment'], told),
    ports: listOf(service['ports']),
    path: (written) => inMounts(written, mounts, hostPath),
    missing: [...missing],
    others: Object.keys(service).filter((key) => !READ.has(key) && !key.startsWith('x-')),
  };
}

function wordsOf(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.map(String);
  return shellWords(textOf(value) ?? '') ?? [];
}

/** `${NAME}` has the value of a shell that we do not have; `${NAME:-text}` brings one. `$$` is a dollar sign. */
function interpolate(text: string, missing: Set<string>): string {
  return text.replace(
    /\$(?:(\$)|\{(\w+)(?::?([-?+])([^}]*))?\}|(\w+))/g,
    (_, dollar: string, name: string, how: string, rest: string, bare: string) => {
      if (dollar !== undefined) return '$';
      if (how === '-') return rest;
      missing.add(name ?? bare);
      return `\${${name ?? bare}}`;
    },
  );
}

/** A map, or a list of `NAME=value`; a name without a value comes from the shell. */
function variablesOf(value: unknown, told: (text: string) => string): Readonly<Record<string, string>> {
  const pairs = Array.isArray(value)
    ? value.map((item) => String(item).split(/=(.*)/s) as [string, string | undefined])
    : Object.entries(mapOf(value)).map(([name, text]) => [name, text === null ? undefined : String(text)] as const);
  const given = pairs.flatMap(([name, text]) => (text === undefined ? [] : [[name, told(text)] as const]));
  return Object.fromEntries(given.filter(([name, text]) => name !== '' && !text.includes('${')));
}

interface Mount {
  readonly host: string;
  readonly target: string;
}

/** `./models:/models:ro`, or the long form. Named volumes are no folders of this machine. */
function mountOf(volume: unknown, told: (text: string) => string): readonly Mount[] {
  const long = mapOf(volume);
  const [host, target] =
    typeof volume === 'string'
      ? told(volume).split(':')
      : long['type'] === 'bind'
        ? [told(String(long['source'])), told(String(long['target']))]
        : [];
  return host !== undefined && target !== undefined && /^[./]/.test(host) ? [{ host, target: target.replace(/\/+$/, '') }] : [];
}

function inMounts(written: string, mounts: readonly Mount[], hostPath: (written: string) => string | null): string | null {
  const [best] = mounts
    .filter(({ target }) => written === target || written.startsWith(`${target}/`))
    .sort((a, b) => b.target.length - a.target.length);
  return best === undefined ? null : hostPath(`${best.host.replace(/\/+$/, '')}${written.slice(best.target.length)}`);
}

/** The port of this machine behind a port of the container; null: none is published. */
export function hostPort(ports: readonly unknown[], target: number): number | null {
  for (const port of ports) {
    const long = mapOf(port);
    const [inside = '', outside = ''] =
      typeof port === 'object'
        ? [String(long['target']), String(long['published'] ?? '')]
        : String(port)
            .replace(/\/\w+$/, '')
            .split(':')
            .toReversed();
    if (Number(inside) === target && /^\d+$/.test(outside)) return Number(outside);
  }
  return null;
}
