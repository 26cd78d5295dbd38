import { askProgram } from '../../programs/index.ts';

/** Speaks to the service manager that started this process; does nothing where none did. No message rejects, or is waited for by anyone. */
export interface ServiceManager {
  /** How often {@link ping} is wanted, in ms: half of what the manager waits for; null: it does not wait. */
  readonly watchdog: number | null;
  /** The service does its work. */
  ready(status: string): Promise<void>;
  /** What it does just now, for `systemctl status`. */
  status(text: string): Promise<void>;
  /** It ends; the status is what people see of it from now on. */
  stopping(status: string): Promise<void>;
  /** It is alive. */
  ping(): Promise<void>;
}

type Env = Readonly<Record<string, string | undefined>>;

/** The program waits until the manager has read the message, so that it is still known whose it is. */
const DEADLINE_MS = 5000;
const LIMIT_BYTES = 4096;
/** Of a status: more than anybody's terminal shows. */
const MOST_CHARACTERS = 500;

/**
 * systemd's protocol of sd_notify(3), spoken by `systemd-notify`, since Node has no datagrams on unix sockets. The messages come from a
 * child, so that the unit needs `NotifyAccess=all`.
 */
export function notifySystemd(env: Env, pid: number = process.pid): ServiceManager {
  const socket = env['NOTIFY_SOCKET'];
  const send = socket ? sender({ PATH: env['PATH'] || '/usr/bin:/bin', NOTIFY_SOCKET: socket }) : () => Promise.resolve();
  return {
    watchdog: socket ? watchdogMs(env, pid) : null,
    ready: (status) => send('READY=1', `STATUS=${oneLine(status)}`),
    status: (text) => send(`STATUS=${oneLine(text)}`),
    stopping: (status) => send('STOPPING=1', `STATUS=${oneLine(status)}`),
    ping: () => send('WATCHDOG=1'),
  };
}

/** One message after the other. A status that waits while a newer one comes is not sent, nor is a ping while another waits. */
function sender(env: Env): (...fields: string[]) => Promise<void> {
  let last = Promise.resolve();
  let isThere = true;
  const waiting = new Map<string, symbol>();
  const say = async (before: Promise<void>, kind: string, mark: symbol, fields: readonly string[]): Promise<void> => {
    await before;
    if (!isThere || waiting.get(kind) !== mark) return;
    const { how } = await askProgram({ file: 'systemd-notify', args: fields, env, deadlineMs: DEADLINE_MS, limitBytes: LIMIT_BYTES });
    if (how === 'not-started') isThere = false;
  };
  return (...fields) => {
    const kind = fields.map((field) => field.slice(0, field.indexOf('='))).join();
    const mark = Symbol(kind);
    waiting.set(kind, mark);
    last = say(last, kind, mark, fields);
    return last;
  };
}

/** Source: https://www.freedesktop.org/software/systemd/man/latest/sd_watchdog_enabled.html */
function watchdogMs(env: Env, pid: number): number | null {
  const { WATCHDOG_USEC: micros = '', WATCHDOG_PID: whose = '' } = env;
  if (!/^\d{1,15}$/.test(micros) || Number(micros) === 0) return null;
  if (whose !== '' && whose !== String(pid)) return null; // it is a parent's, and was inherited
  return Math.max(1, Math.floor(Number(micros) / 2000));
}

/** A line break would begin another field of the message. */
function oneLine(text: string): string {
  return text
    .replace(/[\u0000-\u001f\u007f]+/g, ' ')
    .trim()
    .slice(0, MOST_CHARACTERS);
}
