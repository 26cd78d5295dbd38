import { createServer } from 'node:net';

/** A TCP port on 127.0.0.1 that was free a moment ago. Somebody may take it before it is used: be ready to ask again. */
export function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const server = createServer();
    server.once('error', fail);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => (address !== null && typeof address === 'object' ? done(address.port) : fail(new Error('no port was given'))));
    });
  });
}
