export { isSecretName, looksSecret } from '../domain/secret.ts';

/** True for a word that holds what somebody else fills in: `${NAME}`. It says nothing here, and would break what it is copied into. */
export function isOpen(word: string): boolean {
  return word.includes('${');
}

/** An address without a name and password, without a query and a fragment; null: it is none. */
export function plainUrl(text: string): { readonly url: string; readonly stripped: boolean } | null {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) return null;
  const url = new URL(text);
  const stripped = url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '';
  url.username = url.password = url.search = url.hash = '';
  return { url: url.pathname === '/' ? url.origin : url.href.replace(/\/+$/, ''), stripped };
}
