import { isAlias, isMap, isNode, isScalar, isSeq, type Alias, type Document, type Node, type Pair, type YAMLMap } from 'yaml';
import type { Located, Span } from './located.ts';
import type { Findings } from './report.ts';
import type { TextFile } from './text.ts';
import { isHookPath, isReference, isSecretFlag, isSecretKey, isSecretWord, type SecretRanges } from './secrets.ts';

/** Levels of nesting: the format itself has eight. */
const MAX_DEPTH = 64;
/** Values that aliases may add. Enough for shared settings, too few to explode. */
const MAX_ALIASED = 10_000;

/** Values with positions, and the spans of secrets. Bounded: deep nesting and exploding aliases end early with a finding. */
export function locate(
  document: Document.Parsed,
  file: TextFile,
  findings: Findings,
): { readonly root: Located | null; readonly secrets: SecretRanges } {
  const walk = new Walk(file, findings);
  const root = isNode(document.contents) && !isEmptyScalar(document.contents) ? walk.value(document.contents, null, 0, false) : null;
  return { root, secrets: walk.secrets.sort((a, b) => a[0] - b[0]) };
}

function isEmptyScalar(node: Node): boolean {
  return isScalar(node) && node.value === null && (node.source ?? '') === '';
}

function spanOf(node: Node | null | undefined, fallback: number): Span {
  return node?.range ? [node.range[0], Math.max(node.range[1], node.range[0])] : [fallback, fallback];
}

class Walk {
  readonly secrets: Span[] = [];
  readonly #file: TextFile;
  readonly #findings: Findings;
  readonly #anchors = new Map<string, Node>();
  #inAlias = 0;
  #aliased = 0;
  readonly #path: string[] = [];
  readonly #open = new Set<Node>();

  constructor(file: TextFile, findings: Findings) {
    this.#file = file;
    this.#findings = findings;
  }

  value(node: Node, key: Span | null, depth: number, secret: boolean, at = spanOf(node, 0)): Located {
    if (node !== null && 'anchor' in node && typeof node.anchor === 'string') this.#anchors.set(node.anchor, node);
    if (this.#inAlias > 0) this.#aliased += 1;
    if (isAlias(node)) return this.#alias(node, key, depth, secret, at);
    if (depth > MAX_DEPTH) {
      this.#findings.add({ code: 'yaml-too-deep', summary: 'values are nested too deeply', expected: `at most ${MAX_DEPTH} levels`, at });
      return nothing(at, key);
    }
    if (isMap(node)) return { at, key, node: { kind: 'map', members: this.#members(node, depth, secret) } };
    if (isSeq(node)) return { at, key, node: { kind: 'list', items: this.#items(node.items as (Node | Pair)[], depth, secret) } };
    return this.#scalar(node, key, secret, at);
  }

  #scalar(node: Node, key: Span | null, secret: boolean, at: Span): Located {
    const value = isScalar(node) ? node.value : null;
    if (secret || this.#isHook(value)) this.secrets.push(spanOf(node, at[0]));
    const plain =
      typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
        ? value
        : typeof value === 'bigint'
          ? Number(value)
          : null;
    return { at, key, node: { kind: 'scalar', value: plain, empty: isEmptyScalar(node) } };
  }

  #isHook(value: unknown): boolean {
    return isHookPath(this.#path) && !isReference(this.#path.at(-1)!, String(value));
  }

  #items(nodes: readonly (Node | Pair)[], depth: number, secret: boolean): Located[] {
    let afterFlag = false;
    return nodes.filter(isNode).map((node, index) => {
      const word = isScalar(node) && typeof node.value === 'string' ? node.value : '';
      const flag = isSecretFlag(word);
      this.#path.push(String(index));
      const located = this.value(node, null, depth + 1, secret || afterFlag || (flag && word.includes('=')) || isSecretWord(word));
      this.#path.pop();
      afterFlag = flag && !word.includes('=');
      return located;
    });
  }

  #members(map: YAMLMap, depth: number, secret: boolean): Map<string, Located> {
    const members = new Map<string, Located>();
    for (const pair of map.items as Pair<Node | null, Node | null>[]) {
      const keySpan = spanOf(pair.key, map.range?.[0] ?? 0);
      const key = this.#key(pair.key, keySpan, secret);
      const hidden =
        key !== null && (isSecretKey(key) || (secret && !isReference(key, isScalar(pair.value) ? String(pair.value.value) : '')));
      this.#path.push(key ?? '');
      const value = pair.value ? this.value(pair.value, keySpan, depth + 1, hidden) : nothing([keySpan[1], keySpan[1]], keySpan);
      this.#path.pop();
      if (key === null) continue;
      const first = members.get(key);
      if (first !== undefined) this.#duplicate(key, keySpan, first, value);
      else members.set(key, value);
    }
    return members;
  }

  /** A key as text; null if it cannot be one. Below a secret's key, only the words of a reference are no secrets. */
  #key(node: Node | null, at: Span, secret: boolean): string | null {
    const value = isScalar(node) ? node.value : undefined;
    if (secret && !['env', 'file', 'command'].includes(String(value))) this.secrets.push(at);
    if (value === '<<' && isScalar(node) && node.type === 'PLAIN') {
      this.#findings.add({
        code: 'yaml-merge-key',
        summary: 'merge keys (`<<`) are not part of YAML 1.2',
        expected: 'a key',
        fix: 'Write the keys out, or put what differs under `environments`.',
        at,
      });
      return null;
    }
    if (typeof value === 'string' && value !== '') return value;
    if (typeof value === 'number' || typeof value === 'boolean')
      return isScalar(node) && node.source !== undefined ? node.source : String(value);
    this.#findings.add({
      code: 'yaml-key',
      summary: 'a key is not a text',
      expected: 'a name',
      fix: 'Quote it if it is meant as a name.',
      at: [at[0], Math.max(at[1], at[0] + 1)],
    });
    return null;
  }

  /** The first one counts for the rest of the check. A second map or list holds names that others may go by, so there it ends. */
  #duplicate(key: string, at: Span, first: Located, second: Located): void {
    const shown = isSecretKey(key) || key.length > 60 ? 'this key' : `\`${key}\``;
    const { line } = this.#file.position(first.key?.[0] ?? 0);
    this.#findings.add({
      code: 'yaml-duplicate-key',
      summary: `${shown} is written twice in the same map; the first is on line ${line}`,
      expected: 'each key once',
      fix: 'Remove one of them.',
      at,
      isolated: first.node.kind === 'scalar' && second.node.kind === 'scalar',
    });
  }

  #alias(node: Alias, key: Span | null, depth: number, secret: boolean, at: Span): Located {
    const target = this.#anchors.get(node.source);
    if (target === undefined) {
      this.#findings.add({ code: 'yaml-alias', summary: 'an alias names no anchor', expected: 'an anchor (`&name`) above it', at });
      return nothing(at, key);
    }
    if (this.#open.has(target)) {
      this.#findings.add({ code: 'yaml-alias-loop', summary: 'an alias contains itself', expected: 'an alias of something else', at });
      return nothing(at, key);
    }
    if (this.#aliased > MAX_ALIASED) {
      this.#findings.add({
        code: 'yaml-alias-explosion',
        summary: `aliases repeat more than ${MAX_ALIASED} values`,
        expected: 'values written out',
        at,
      });
      return nothing(at, key);
    }
    this.#open.add(target);
    this.#inAlias += 1;
    const located = this.value(target, key, depth, secret);
    this.#inAlias -= 1;
    this.#open.delete(target);
    return moved(located, at);
  }
}

function nothing(at: Span, key: Span | null): Located {
  return { at, key, node: { kind: 'scalar', value: null, empty: true } };
}

/** What an alias brings in stands, for a reader, where the alias stands. */
function moved(located: Located, at: Span): Located {
  return { ...located, at };
}
