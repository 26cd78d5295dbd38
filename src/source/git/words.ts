import type { Answer } from '../../programs/index.ts';

const LONGEST = 300;

/** Lines that tell nothing: advice, what the progress is, the frames of ssh, and what only says that there is an error. */
const NOISE =
  /^(?:hint:|warning: (?!identity file)|@|It is required that your private key|This private key will be ignored|Please make sure|and the repository exists|Could not read from remote repository\.?$|$)/i;

/** Of thirteen lines that ssh frames like an alarm, what counts. Source: openssh, sshconnect.c, warn_changed_key and check_host_key */
const CHANGED = /REMOTE HOST IDENTIFICATION HAS CHANGED[^]*?sent by the remote host is\s+(\S+?)\.?\s[^]*?Host key for (\S+) has changed/;

/**
 * Without what a terminal would obey, on one line, of bounded length.
 */
export function plain(text: string, longest = LONGEST): string {
  // C0, DEL, C1, and what turns the direction of writing.
  const clean = text
    .replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  return clean.length > longest ? `${clean.slice(0, longest - 1)}…` : clean;
}

/** Takes the secrets out of a text: those that are known, and whatever stands before the @ of an address or in its query. */
export type Redact = (text: string) => string;

/** `secrets`: texts that must not be shown, in any spelling that they are used in. */
export function redactor(secrets: readonly string[]): Redact {
  const known = [...new Set(secrets.filter((secret) => secret !== ''))].sort((a, b) => b.length - a.length);
  return (text) =>
    known
      .reduce((shown, secret) => shown.replaceAll(secret, '***'), text)
      .replace(/\b((?:https?|ftps?):\/\/)[^/\s'"]*@/gi, '$1')
      .replace(/\b([a-z][a-z0-9+.-]*:\/\/[^/\s:'"@]+):[^/\s'"]*@/gi, '$1@')
      .replace(/\b([a-z][a-z0-9+.-]*:\/\/[^\s?'"]*)\?[^\s'"]*/gi, '$1');
}

/** Why git did not do it, in its own words, on one line. */
export function reasonOf(answer: Answer, deadlineMs: number): string {
  if (answer.how === 'late') return `no answer within ${Math.round(deadlineMs / 1000)} s`;
  if (answer.how === 'not-started') return 'git could not be started';
  if (answer.how === 'too-much') return 'it answered more than anybody should';
  const changed = CHANGED.exec(answer.stderr);
  if (changed) return `the host key of ${changed[2]} is another one than before, ${changed[1]}`;
  const lines = answer.stderr
    .split(/[\r\n]+/)
    .map((line) => line.trim().replace(/^(?:fatal|error): /, ''))
    .filter((line) => !NOISE.test(line));
  return lines.length === 0 ? `git ended with ${answer.code ?? 'a signal'}` : lines.slice(0, 3).join('; ');
}
