/** Words that other tools and people use (folded: lower case, no dashes) for what is a key here. */
export const SYNONYMS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    context: 'ctx ctxsize contextsize contextlength contextwindow numctx nctx maxmodellen maxcontext',
    quantization: 'quant quants',
    offload: 'ngl gpulayers ngpulayers gpu numgpu',
    kvCache: 'cachetypek cachetypev kvcachetype ctk',
    parallel: 'np slots concurrency numparallel maxnumseqs',
    source: 'model path gguf file weights repo',
    backend: 'server provider engine',
    url: 'host baseurl endpoint address',
    flashAttention: 'fa flashattn',
    idle: 'ttl keepalive',
    environments: 'envs',
    args: 'extraargs flags',
    engine: 'binary executable',
    batch: 'batchsize',
    ubatch: 'ubatchsize',
    threads: 'numthreads',
    objective: 'target',
    chatTemplate: 'template',
  }).flatMap(([key, words]) => words.split(' ').map((word): [string, string] => [word, key])),
);
