import { PORT_FIELD } from '../domain/fields.ts';
import type { ObservedInstance } from '../domain/observed.ts';
import { compareText } from '../domain/text.ts';
import { leaving, stepId } from './leaving.ts';
import { modelOf, type Course, type Removal, type Verdict } from './verdict.ts';
import type { World } from './world.ts';

/** A copy of another model that has the port which a model is to listen on, and the step that ends it. */
export interface PortWait extends Ending {
  readonly port: number;
}

interface Ending {
  readonly model: string;
  /** The step after which the copy is gone. */
  readonly step: string;
  /** To be used within a sentence: "old", "the old copy of chat". */
  readonly whose: string;
}

/** The fixed ports of this machine as one plan hands them on. Whichever backend a copy runs on, a port is had once. */
export interface Ports {
  /** What must end before a model can start, by model. */
  readonly waits: ReadonlyMap<string, readonly PortWait[]>;
  /** Models that take each other's ports in a circle, with all members of theirs: new before old is impossible for them. */
  readonly circles: ReadonlyMap<string, readonly string[]>;
  /** The model that starts on a port, by port. */
  readonly takers: ReadonlyMap<number, string>;
}

/** The port that a course must start on; null: any, or it starts nothing. */
export function portFor(verdict: Verdict): number | null {
  if (verdict.kind !== 'run' || (verdict.need !== 'start' && verdict.need !== 'restart')) return null;
  const port = verdict.wish.spec.fields[PORT_FIELD];
  return typeof port === 'number' ? port : null;
}

/** Copies that live, whoever's they are, by the port of this machine that they listen on. */
export function copiesByPort({ backends }: World): ReadonlyMap<number, readonly ObservedInstance[]> {
  const copies = [...backends.values()].flatMap((backend) => (backend.status === 'reachable' ? backend.instances : []));
  const held = copies.flatMap((copy) => {
    const port = copy.phase === 'failed' ? null : portHere(copy.endpoint);
    return port === null ? [] : [{ port, copy }];
  });
  return new Map([...Map.groupBy(held, ({ port }) => port)].map(([port, all]) => [port, all.map(({ copy }) => copy)]));
}

/** The port of this machine that a server listens on; null: it does not tell, or runs on another machine. */
export function portHere(endpoint: string | null): number | null {
  const [, port] = /^https?:\/\/(?:127(?:\.\d+){3}|localhost|0\.0\.0\.0|\[::1?\]):(\d+)/.exec(endpoint ?? '') ?? [];
  return port === undefined ? null : Number(port);
}

/** The copies that a plan ends, each with the model and step that do. */
export function endings(verdicts: readonly Verdict[]): ReadonlyMap<ObservedInstance, Ending> {
  return new Map(
    verdicts.filter(isActing).flatMap((verdict) => {
      const model = modelOf(verdict);
      const whose = verdict.kind === 'run' ? `the old copy of ${model}` : model;
      return leaving(verdict).map(({ copy, suffix }) => [copy, { model, step: stepId(model, `stop${suffix}`), whose }] as const);
    }),
  );
}

function isActing(verdict: Verdict): verdict is Course | Removal {
  return verdict.kind === 'run' || verdict.kind === 'remove';
}

/** Works out who waits for whom. Every copy on a wanted port is one that these verdicts end: a model for which that is not so is blocked. */
export function handOnPorts(world: World, verdicts: readonly Verdict[]): Ports {
  const wanted = verdicts.flatMap((verdict) => {
    const port = portFor(verdict);
    return port === null || verdict.kind !== 'run' ? [] : [{ port, model: verdict.wish.model.name }];
  });
  const takers = new Map(wanted.map(({ port, model }) => [port, model]));
  if (wanted.length === 0) return { waits: new Map(), circles: new Map(), takers };
  const [holders, ends] = [copiesByPort(world), endings(verdicts)];
  const waits = new Map<string, readonly PortWait[]>();
  for (const { port, model } of wanted) {
    const others = (holders.get(port) ?? []).flatMap((copy) => ends.get(copy) ?? []).filter((end) => end.model !== model);
    if (others.length > 0)
      waits.set(
        model,
        others.map((end) => ({ port, ...end })),
      );
  }
  return { waits, circles: circlesIn(waits), takers };
}

/**
 * Whoever waits for nobody, and whoever nobody waits for, is taken away until none is left: what remains are circles, each
 * a group that hangs together.
 */
function circlesIn(waits: ReadonlyMap<string, readonly PortWait[]>): Map<string, readonly string[]> {
  const edges = [...waits].flatMap(([from, all]) => all.map(({ model: to }) => ({ from, to })));
  const back = edges.map(({ from, to }) => ({ from: to, to: from }));
  const left = withoutEnds(withoutEnds(new Set(edges.flatMap(({ from, to }) => [from, to])), edges), back);
  const circles = new Map<string, readonly string[]>();
  for (const start of left) {
    if (circles.has(start)) continue;
    const members = new Set([start]);
    for (const member of members) for (const { model } of waits.get(member) ?? []) if (left.has(model)) members.add(model);
    const sorted = [...members].sort(compareText);
    for (const member of members) circles.set(member, sorted);
  }
  return circles;
}

/** Takes nodes away that lead to none that is left, again and again. Linear. */
function withoutEnds(nodes: ReadonlySet<string>, edges: readonly { readonly from: string; readonly to: string }[]): Set<string> {
  const inner = edges.filter(({ from, to }) => nodes.has(from) && nodes.has(to));
  const left = new Set(nodes);
  const leads = new Map([...nodes].map((node) => [node, 0]));
  for (const { from } of inner) leads.set(from, (leads.get(from) ?? 0) + 1);
  const towards = Map.groupBy(inner, ({ to }) => to);
  const ends = [...nodes].filter((node) => leads.get(node) === 0);
  for (const end of ends) {
    left.delete(end);
    for (const { from } of towards.get(end) ?? []) {
      const count = (leads.get(from) ?? 0) - 1;
      leads.set(from, count);
      if (count === 0) ends.push(from);
    }
  }
  return left;
}

/** True if what was last applied had a port that another model of the plan now starts on: it cannot be put back there. */
export function isTakenOver({ takers }: Ports, { applied, wish }: Course): boolean {
  const port = applied?.fields[PORT_FIELD];
  const taker = typeof port === 'number' ? takers.get(port) : undefined;
  return taker !== undefined && taker !== wish.model.name;
}
