import { isOpen, isSecretName, looksSecret } from '../secrets.ts';
import { MEANINGS } from './flags.ts';

/** llama-server's words taken apart. */
export interface Told {
  /** By the names of flags.ts; the last one wins, as in llama-server. */
  readonly values: ReadonlyMap<string, string>;
  /** Words that llmops has no key for, in their order. */
  readonly rest: readonly string[];
  readonly lost: readonly { readonly what: string; readonly why: string }[];
  /** True: a key stood in the words. It was not kept. */
  readonly hadKey: boolean;
}

const SECRET = 'it is a secret, and secrets are not copied';
const LOOKS = 'it looks like a secret, and secrets are not copied';

/** Takes the words after the program's name apart. Never keeps what could be a secret. */
export function parseWords(words: readonly string[]): Told {
  const values = new Map<string, string>();
  const rest: string[] = [];
  const lost: { what: string; why: string }[] = [];
  let hadKey = false;
  for (let at = 0; at < words.length; at += 1) {
    const { flag, given } = apart(words[at] as string);
    const next = (): string => given ?? words[(at += 1)] ?? '';
    const meaning = MEANINGS.get(flag);
    if (flag === '-fa' || flag === '--flash-attn') {
      values.set('flash', given ?? (/^(on|off|auto|0|1|true|false)$/.test(words[at + 1] ?? '') ? next() : 'on'));
    } else if (flag === '--api-key') {
      hadKey = true;
      next();
    } else if (flag.startsWith('-') && isSecretName(flag)) {
      lost.push({ what: flag, why: SECRET });
      if (given === null && !isFlag(words[at + 1])) at += 1;
    } else if (meaning === undefined) {
      const word = words[at] as string;
      if (looksSecret(word)) lost.push({ what: isFlag(rest.at(-1)) ? (rest.at(-1) ?? 'a word') : 'a word', why: LOOKS });
      if (!looksSecret(word) && !isOpen(word)) rest.push(word);
      else if (isFlag(rest.at(-1)) && !isFlag(word)) rest.pop(); // a flag without its value would take the next word for it
    } else if (meaning.as === 'switch') values.set(meaning.name, 'true');
    else if (meaning.as === 'value') {
      const text = next();
      if (!isOpen(text)) values.set(meaning.name, text);
    } else {
      if (meaning.takes === 1) next();
      if (meaning.as === 'lose') lost.push({ what: flag, why: meaning.why });
    }
  }
  return { values, rest, lost, hadKey };
}

/** `--flag=value` in two. */
function apart(word: string): { readonly flag: string; readonly given: string | null } {
  const at = word.startsWith('--') ? word.indexOf('=') : -1;
  return at < 0 ? { flag: word, given: null } : { flag: word.slice(0, at), given: word.slice(at + 1) };
}

function isFlag(word: string | undefined): boolean {
  return word === undefined || /^-[^\d]/.test(word);
}
