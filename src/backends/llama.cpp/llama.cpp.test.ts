import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { describeBackend } from '../../../test/contract/contract.ts';
import { fakeConformance } from './fake/conformance.ts';

const bin = mkdtempSync(join(tmpdir(), 'llmops-fake-llama-'));
afterAll(() => rmSync(bin, { recursive: true, force: true }));

describeBackend(fakeConformance(bin));
