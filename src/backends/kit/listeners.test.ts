import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { listeningInodes, listensOn, portsListenedOn, socketsOn } from './listeners.ts';

const TABLE = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0
   1: 0100007F:1F90 0100007F:C000 01 00000000:00000000 00:00000000 00000000  1000        0 4712 1 0
   2: 0100007F:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4713 1 0
`;

describe('Who listens on a port', () => {
  it("is read from the kernel's table: listening sockets only", () => {
    expect([...listeningInodes(TABLE, 8080)]).toEqual(['4711']);
    expect([...listeningInodes(TABLE, 80)]).toEqual([]);
    expect([...listeningInodes('', 8080)]).toEqual([]);
  });

  it.runIf(process.platform === 'linux')('tells the process that listens from one that does not', async () => {
    const server = createServer();
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    try {
      const { port } = server.address() as AddressInfo;
      expect(listensOn([process.pid], port)).toBe(true);
      expect(listensOn([child.pid as number], port)).toBe(false);
      expect(listensOn([999_999_999], port), 'a process that has ended').toBe(false);
    } finally {
      child.kill('SIGKILL');
      server.close();
    }
  });

  it.runIf(process.platform === 'linux')('counts a server on every address of IPv6, which answers on 127.0.0.1 as well', async () => {
    const server = createServer();
    await new Promise<void>((done) => server.listen({ port: 0, host: '::', ipv6Only: false }, done));
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    expect(listensOn([process.pid], port)).toBe(true);
    expect(socketsOn(port)?.size).toBe(1);
  });

  it('and not one on the loopback address of IPv6 alone', () => {
    const root = mkdtempSync(join(tmpdir(), 'llmops-proc-'));
    onTestFinished(() => rmSync(root, { recursive: true, force: true }));
    mkdirSync(join(root, 'net'));
    writeFileSync(join(root, 'net/tcp'), '');
    const listening = (address: string) => writeFileSync(join(root, 'net/tcp6'), TABLE.replaceAll('0100007F', address));
    listening(`${'0'.repeat(24)}01000000`);
    expect([...(socketsOn(8080, root) ?? [])]).toEqual([]);
    listening(`${'0'.repeat(16)}0000FFFF0100007F`);
    expect([...(socketsOn(8080, root) ?? [])]).toEqual(['4711']);
  });

  it('is read once for many ports, over both kinds of addresses', () => {
    const root = mkdtempSync(join(tmpdir(), 'llmops-proc-'));
    onTestFinished(() => rmSync(root, { recursive: true, force: true }));
    mkdirSync(join(root, 'net'));
    writeFileSync(join(root, 'net/tcp'), TABLE);
    expect([...(portsListenedOn(root) ?? [])]).toEqual([8080, 8081]);
    writeFileSync(join(root, 'net/tcp6'), TABLE.replaceAll('0100007F', '0'.repeat(32)).replace(':1F90', ':1F92'));
    expect([...(portsListenedOn(root) ?? [])]).toEqual([8080, 8081, 8082]);
    expect(portsListenedOn('/nonexistent')).toBeNull();
  });

  it('is not told where there is no such table', () => {
    expect(listensOn([process.pid], 80, '/nonexistent')).toBeNull();
  });
});
