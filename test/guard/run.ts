/** The variable that marks everything that a run of the tests started, workers included. */
export const RUN = 'LLMOPS_TEST_RUN';
