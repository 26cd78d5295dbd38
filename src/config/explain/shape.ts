import { spot, text, type Located } from '../located.ts';
import type { Finding } from '../report.ts';
import { withArticle } from '../wording.ts';
import { isUnset, type Said } from './said.ts';

/** The maps of the file whose keys are names. */
const NAMED: Readonly<Record<string, string>> = { models: 'chat', backends: 'local' };

/**
 * Names and their keys at the wrong depth, or a list in the place of names: one mistake for a person, several for a validator.
 * null: said elsewhere. undefined: the shape is right.
 */
export function wrongShape(said: Said): Finding | null | undefined {
  const [map, key, ...deeper] = said.path;
  if (map === undefined || !Object.hasOwn(NAMED, map) || deeper.length > 0) return undefined;
  if (key === undefined) return said.located.node.kind === 'list' ? listed(said, map) : undefined;
  const { shallow, hasHeading } = depthsOf(said);
  if (shallow.length === 0) return undefined;
  if (isUnset(said.located)) return unindented(said, shallow);
  if (!shallow.includes(key)) return undefined;
  return hasHeading || shallow[0] !== key ? null : unnamed(said, map);
}

interface Depths {
  /** Keys of one item that stand among the names of all of them. */
  readonly shallow: readonly string[];
  /** A name with nothing below it is there, to which they belong. */
  readonly hasHeading: boolean;
}

/** Every wrong item of a map asks. */
const KNOWN = new WeakMap<Located, Depths>();

function depthsOf({ schema, parent }: Said): Depths {
  if (parent?.node.kind !== 'map') return { shallow: [], hasHeading: false };
  const before = KNOWN.get(parent);
  if (before !== undefined) return before;
  const known = new Set(Object.keys((schema['properties'] as object | undefined) ?? {}));
  const members = [...parent.node.members];
  const isShallow = ([key, member]: readonly [string, Located]) => known.has(key) && member.node.kind !== 'map' && !isUnset(member);
  const found = {
    shallow: members.filter(isShallow).map(([key]) => key),
    hasHeading: members.some(([, member]) => isUnset(member)),
  };
  KNOWN.set(parent, found);
  return found;
}

function unindented({ located, name, schema, path }: Said, shallow: readonly string[]): Finding {
  const keys = shallow.map((key) => `\`${key}\``).join(', ');
  return {
    code: 'empty-value',
    summary: `${name} has no value`,
    expected: withArticle(schema),
    fix: `Indent ${keys} under \`${path.at(-1)}\`: ${shallow.length === 1 ? 'it stands' : 'they stand'} as deep as that.`,
    at: spot(located),
  };
}

function unnamed({ located, name, schema, path }: Said, map: string): Finding {
  return {
    code: 'wrong-type',
    summary: `${name} stands where a name belongs`,
    expected: withArticle(schema),
    fix: `Put a name between: \`${map}: { ${NAMED[map]}: { ${path.at(-1)}: ... } }\`.`,
    at: located.key ?? spot(located),
  };
}

function listed({ located }: Said, map: string): Finding {
  const [first] = located.node.kind === 'list' ? located.node.items : [];
  const members = first?.node.kind === 'map' ? first.node.members : new Map<string, Located>();
  const key = ['name', 'id', 'model'].find((each) => members.has(each));
  const written = (key === undefined ? null : text(members.get(key) as Located)) ?? '';
  const name = /^[a-z0-9][a-z0-9._-]{0,62}$/.test(written) ? written : NAMED[map];
  return {
    code: 'wrong-type',
    summary: `\`${map}\` is a list`,
    expected: 'a map from names',
    fix: `Write each name as a key, with its settings indented below: \`${name}:\`${name === written ? ` in the place of \`- ${key}: ${name}\`` : ''}.`,
    at: spot(located),
  };
}
