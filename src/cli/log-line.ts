/** CSI, OSC, DCS and the other escape sequences, whole. Source: ECMA-48 section 5.4 and 5.6. */
const ESCAPES = /\u001b\[[0-?]*[ -/]*[@-~]|\u001b[\]PX^_][^\u0007\u001b]*(?:\u0007|\u001b\\)?|\u001b[ -/]*[0-~]?|\u009b[0-?]*[ -/]*[@-~]?/g;
/** Select Graphic Rendition: colours and weights, nothing that moves or answers. */
const COLOUR = /^\u001b\[[0-9;:]*m$/;
const CONTROLS = /[\u0000-\u0008\u000b-\u001a\u001c-\u001f\u007f-\u009f]|\u001b(?!\[[0-9;:]*m)/g;

/**
 * A line of somebody else's log, safe to show on a terminal: whatever moves the cursor, sets the title or asks the
 * terminal for an answer is taken out. Colours stay if they are wanted, and end with the line.
 */
export function safeLine(line: string, color: boolean): string {
  // A carriage return overwrites what stands before it: the last version is what a person would have seen.
  const seen = line.slice(line.lastIndexOf('\r') + 1);
  const kept = seen.replace(ESCAPES, (sequence) => (color && COLOUR.test(sequence) ? sequence : '')).replace(CONTROLS, '');
  return kept.includes('\u001b') ? `${kept}\u001b[0m` : kept;
}
