import type { ServiceFacts } from './facts.ts';

/** A Dockerfile. Folders are those of the container: nothing of this machine but the names of variables goes into an image. */
export function dockerfile(facts: ServiceFacts): string {
  const words = ['llmops', ...wordsInside(facts)];
  const variables = Object.entries({ ...facts.env, XDG_STATE_HOME: '/state', XDG_CACHE_HOME: '/cache' });
  return `# An image that keeps the stack \`${facts.stack}\` as its llmops.yaml says. Build it, then:
#   docker run --init --gpus all --network host \\
#     -v ${shellWord(`${facts.folder}:/stack:ro`)} -v llmops-state:/state -v llmops-cache:/cache IMAGE
#
# --init: process 1 inherits what engines leave behind, and llmops, which ends on SIGTERM by itself, does not collect it. docker's
#   own init does (in Kubernetes: shareProcessNamespace: true). The image brings none, and needs none.
# The folder of the stack is mounted, not llmops.yaml alone: of a single file that is mounted nobody hears when it is replaced.
# The engines end with the container. They do outlive the daemon elsewhere; here its end is the container's.
# --network host: the engines listen on ports of their own; without it they are reached from inside alone.

# The engine, with its libraries: name an image that has it on PATH, with glibc 2.28 or newer (no Alpine) and libstdc++.
ARG ENGINE=node:24-bookworm-slim

FROM node:24-bookworm-slim AS node
# Whatever npm can install: a version, the address of a tarball.
ARG LLMOPS=llmops@${facts.version}
RUN npm install --global "\${LLMOPS}"

FROM \${ENGINE}
# For \`daemon.git\`, where the engine's image is Debian's or Ubuntu's; others bring git in their own way.
RUN if command -v apt-get; then apt-get update && apt-get install -y --no-install-recommends git openssh-client ca-certificates; fi
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=node /usr/local/lib/node_modules /usr/local/lib/node_modules
RUN ln -s ../lib/node_modules/llmops/bin/llmops /usr/local/bin/llmops \\
  && mkdir -p /state /cache && chown 1000:1000 /state /cache
${variables.map(([name, value]) => `ENV ${name}=${variable(value)}`).join('\n')}
USER 1000:1000
WORKDIR /stack
VOLUME ["/state", "/cache"]
STOPSIGNAL SIGTERM
ENTRYPOINT []
CMD ${JSON.stringify(words)}
`;
}

/** The folder of the stack is another one inside. */
function wordsInside({ args, folder }: ServiceFacts): readonly string[] {
  return args.map((word) => {
    if (word === folder) return '/stack';
    return word.startsWith(`${folder}/`) ? `/stack${word.slice(folder.length)}` : word;
  });
}

function variable(value: string): string {
  return `"${value.replace(/[\\"$]/g, '\\$&')}"`;
}

function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
