const MOMENT = /(?<!\d)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g;

/** Sentences in which every time (ISO 8601, UTC) stands as the reader's clock shows it. For people alone: programs are told UTC. */
export function withClock(text: string, clock: (at: string) => string): string {
  return text.replace(MOMENT, clock);
}
