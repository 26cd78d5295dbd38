import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** State `0A` of /proc/net/tcp: listening. */
const LISTENS = '0A';

/**
 * Whether one of these processes listens on a TCP port of 127.0.0.1; null: this machine does not tell. An answer from a
 * port proves nothing by itself: whoever took the port first gives it, and may be an engine just like ours.
 */
export function listensOn(pids: readonly number[], port: number, root = '/proc'): boolean | null {
  try {
    const inodes = new Set([...listeningInodes(readFileSync(join(root, 'net/tcp'), 'utf8'), port), ...listeningOnAny(root, port)]);
    return pids.some((pid) => socketsOf(join(root, String(pid), 'fd')).some((inode) => inodes.has(inode)));
  } catch {
    return null; // no /proc (macOS), or no leave to look
  }
}

/** Inodes of the sockets that listen on a port, from the text of /proc/net/tcp (proc_net_tcp: addresses in hex, `0100007F:1F90`). */
export function listeningInodes(text: string, port: number, address = /^/): ReadonlySet<string> {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const rows = text
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/));
  return new Set(
    rows.filter((row) => row[1]?.endsWith(suffix) && address.test(row[1]) && row[3] === LISTENS).map((row) => row[9] as string),
  );
}

/** Sockets that keep a port of 127.0.0.1 from whoever wants it, whoever's they are; null: this machine does not tell. */
export function socketsOn(port: number, root = '/proc'): ReadonlySet<string> | null {
  try {
    const own = listeningInodes(readFileSync(join(root, 'net/tcp'), 'utf8'), port, /^(?:[0-9A-F]{6}7F|0{8}):/);
    return new Set([...own, ...listeningOnAny(root, port)]);
  } catch {
    return null; // no /proc (macOS)
  }
}

/** Sockets of IPv6 that take what is sent to 127.0.0.1, too: those of `::`, and of `::ffff:127.0.0.1` (ipv6(7)). */
function listeningOnAny(root: string, port: number): ReadonlySet<string> {
  const path = join(root, 'net/tcp6');
  return existsSync(path) ? listeningInodes(readFileSync(path, 'utf8'), port, /^0{16}(?:0{16}|0000FFFF[0-9A-F]{6}7F):/i) : new Set();
}

/** Every port on which anybody listens, whatever the address; null: this machine does not tell. For whoever asks about many. */
export function portsListenedOn(root = '/proc'): ReadonlySet<number> | null {
  try {
    const tables = ['net/tcp', 'net/tcp6'].map((name) => join(root, name)).filter((path, index) => index === 0 || existsSync(path));
    const rows = tables.flatMap((path) => readFileSync(path, 'utf8').split('\n').slice(1)).map((line) => line.trim().split(/\s+/));
    return new Set(rows.filter((row) => row[3] === LISTENS).map((row) => Number.parseInt(row[1]?.split(':')[1] ?? '', 16)));
  } catch {
    return null; // no /proc (macOS)
  }
}

/** Sockets of a process; none if it is another user's, or has ended. */
export function socketsOfProcess(pid: number, root = '/proc'): readonly string[] {
  try {
    return socketsOf(join(root, String(pid), 'fd'));
  } catch {
    return [];
  }
}

/** Throws where looking is not allowed; a process that ended meanwhile has no sockets. */
function socketsOf(folder: string): readonly string[] {
  return namesIn(folder).flatMap((name) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(join(folder, name)))?.[1] ?? [];
    } catch {
      return []; // closed meanwhile
    }
  });
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
}
