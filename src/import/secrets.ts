/** Keys, flags and variables whose value is a secret: it is never copied, and never shown. */
const SECRET_NAME = /(?:key|token|password|passwd|secret|credential|authorization|bearer|auth)s?$/i;

/** True for `api_key`, `--hf-token`, `OPENAI_API_KEY`; false for `--api-key-file`, which names a file. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name.replace(/^-+/, '')) || name === '-hft';
}

/** Shapes that tokens of well-known services have, and credentials inside an address. */
const SECRET_SHAPE =
  /\b(?:sk-|hf_|gh[pousr]_|github_pat_|xox[abps]-|glpat-|AKIA|eyJ)[A-Za-z0-9_.-]{6,}|:\/\/[^\s/@'"]+@|bearer\s|[?&][^=&\s]*(?:key|token|secret|password|sig|signature)=|--?[\w-]*(?:key|token|password|secret)[= ]/i;

/** True if a text could be a secret or hold one, whatever its key is called. */
export function looksSecret(text: string): boolean {
  return SECRET_SHAPE.test(text);
}

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
