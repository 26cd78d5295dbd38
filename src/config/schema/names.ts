/**
 * Names become file names, process ids' labels, metric labels and parts of URLs, on file systems that ignore case too:
 * lower-case letters, digits, dot, underscore, dash; not starting with a sign; at most 63 characters (a DNS label).
 */
export const NAME = '^[a-z0-9][a-z0-9._-]{0,62}$';

/** `constructor` is the only member of JavaScript's Object.prototype that {@link NAME} would let through. */
export const MODEL_NAME = '^(?!constructor$)[a-z0-9][a-z0-9._-]{0,62}$';
