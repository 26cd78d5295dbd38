import type { Login } from '../domain/login.ts';
import type { Net } from './context.ts';
import type { Answer } from './answer.ts';
import { cutOff, garbled, networkProblem } from './failures.ts';
import { ask } from './http.ts';
import type { Reply } from './http.ts';
import { passingStatus, retrying } from './retry.ts';

/** Of an answer that tells of an error, no more is read. */
const MOST_ERROR_BYTES = 64 * 1024;

/**
 * Asks for something small, again where it fails in passing. Gives every answer below 500 but 408, 425 and 429. Throws a
 * ProblemError: `source-*`, among them `source-garbled` for more than `most` bytes, or `cancelled`.
 */
export async function askSmall(
  url: string,
  headers: Readonly<Record<string, string>>,
  most: number,
  net: Net,
  login?: Login,
): Promise<Answer> {
  return await retrying(net, async () => {
    const reply = await ask(url, headers, net, login);
    const bytes = reply.status < 400 ? await readAll(reply, most, net) : await readSome(reply, MOST_ERROR_BYTES, net);
    const answer = { status: reply.status, headers: reply.headers, url: reply.url, bytes };
    const passing = passingStatus(answer);
    if (passing !== null) throw passing;
    return answer;
  });
}

/** Up to `most` bytes of an answer; what follows is not read. */
export async function readSome(reply: Reply, most: number, net: Net): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of reply.body as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      if ((size += chunk.length) >= most) break;
    }
  } catch (error) {
    throw networkProblem(reply.url, error, net);
  } finally {
    reply.close();
  }
  return Buffer.concat(chunks).subarray(0, most);
}

async function readAll(reply: Reply, most: number, net: Net): Promise<Buffer> {
  const told = Number(reply.headers['content-length'] ?? Number.NaN);
  const tooLarge = (): Error => garbled(reply.url, `answers with more than ${most} bytes, which is more than such an answer can have`);
  if (told > most) {
    reply.close();
    throw tooLarge();
  }
  const bytes = await readSome(reply, most + 1, net);
  if (bytes.length > most) throw tooLarge();
  if (!reply.body.complete || bytes.length < told) throw cutOff(reply.url);
  return bytes;
}
