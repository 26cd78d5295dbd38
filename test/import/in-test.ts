import { onTestFinished } from 'vitest';
import { serve, type FakeServer, type Routes } from './server.ts';

/** A small server that is gone after the test. */
export async function serveInTest(routes: Routes): Promise<FakeServer> {
  const server = await serve(routes);
  onTestFinished(() => server.close());
  return server;
}
