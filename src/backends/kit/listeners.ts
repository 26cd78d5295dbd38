import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** State `0A` of /proc/net/tcp: listening. */
const LISTENS = '0A';

/**
 * Whether one of these processes listens on a TCP port of 127.0.0.1; null: this machine does not tell. An answer from a
 * port proves nothing by itself: whoever took the port first gives it, and may be an engine just like ours.
 */
export function listensOn(pids: readonly number[], port: number, root = '/proc'): boolean | null {
  if (pids.some((pid) => listensStill(pid, port, root))) return true;
  try {
    const inodes = new Set([...listeningInodes(readFileSync(join(root, 'net/tcp'), 'utf8'), port), ...listeningOnAny(root, port)]);
    return pids.some((pid) => {
      const socket = socketsOf(join(root, String(pid), 'fd')).find(({ inode }) => inodes.has(inode));
      if (socket) seen.set(keyOf(pid, port, root), socket);
      return socket !== undefined;
    });
  } catch {
    return null; // no /proc (macOS), or no leave to look
  }
}

/** An open socket of a process. */
interface Socket {
  /** Its link in /proc: `/proc/4711/fd/3`. */
  readonly link: string;
  readonly inode: string;
}

/**
 * Sockets that were seen to listen, by process and port. A socket that listens does so until it is closed, and its inode is
 * nobody else's: while the process has it, the table of all sockets of the machine need not be read, which takes milliseconds each time.
 */
const seen = new Map<string, Socket>();

function keyOf(pid: number, port: number, root: string): string {
  return `${root} ${pid} ${port}`;
}

function listensStill(pid: number, port: number, root: string): boolean {
  const key = keyOf(pid, port, root);
  const socket = seen.get(key);
  if (socket === undefined) return false;
  if (inodeAt(socket.link) === socket.inode) return true;
  seen.delete(key);
  return false;
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
    return socketsOf(join(root, String(pid), 'fd')).map(({ inode }) => inode);
  } catch {
    return [];
  }
}

/** Throws where looking is not allowed; a process that ended meanwhile has no sockets. */
function socketsOf(folder: string): readonly Socket[] {
  return namesIn(folder).flatMap((name) => {
    const link = join(folder, name);
    const inode = inodeAt(link);
    return inode === null ? [] : [{ link, inode }];
  });
}

/** Of the socket that an open file is; null: it is another kind of file, or was closed meanwhile. */
function inodeAt(link: string): string | null {
  try {
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(link))?.[1] ?? null;
  } catch {
    return null;
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
}
