import type { Login } from '../domain/login.ts';
import type { RemoteFile, Room } from '../domain/weights.ts';

/** Where the store lies, and what it goes by. */
export interface StoreOptions {
  /** Its folder: `<cacheDir>/weights`. Made when it is first written to. */
  readonly dir: string;
  /** Names other caches (HF_HUB_CACHE, HF_HOME, LLAMA_CACHE, XDG_CACHE_HOME, HOME) and proxies (HTTPS_PROXY, HTTP_PROXY, NO_PROXY). */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Limits and patience; absent: those for real networks. */
  readonly tuning?: Partial<Tuning>;
  /** Bytes that this user may still write to the disk of a folder. Absent: asks the system. */
  readonly freeBytes?: (dir: string) => Promise<number>;
}

/** How patient the store is. Times in milliseconds. */
export interface Tuning {
  /** A connection that brings no byte for this long is given up, and made anew. */
  readonly stallMs: number;
  /** Tries in a row that bring nothing, before a download is given up. One that gets on never is. */
  readonly tries: number;
  /** Pause before the second try; doubles with each further one, less a random part up to half of it. */
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
  /** A server that wants to be left alone (Retry-After) for longer than this is not waited for. */
  readonly longestWaitMs: number;
  /** How often one who waits for another process looks again. */
  readonly lockPollMs: number;
  /** Left free on the disk, for journals and logs. */
  readonly reserveBytes: number;
}

/** What to ask for a file. */
export interface Download {
  /** `https:`, or `http:` where the caller allows that. May hold a secret: it is never told. */
  readonly url: string;
  /** `authorization` and the like; sent to the host of `url` only, never to where it redirects. */
  readonly headers: Readonly<Record<string, string>>;
  /** For people: `hf:Qwen/Qwen3-8B-GGUF@1a2b3c4 Qwen3-8B-Q4_K_M.gguf`. Holds no secret. */
  readonly what: string;
  /** Variable that holds, or would hold, the token that lets one in: `HF_TOKEN`. Only told to people. */
  readonly tokenVariable?: string;
  /** Answers the server if it asks who is there; as often as it does, since what it gives for that may not hold as long as a download takes. */
  readonly login?: Login;
}

/** Who is told, and who may stop it. */
export interface FetchIo {
  readonly signal: AbortSignal;
  /** Bytes of the file that are here, of how many. Comes often: with every write. `total` is 0 as long as nobody knows it. */
  progress(done: number, total: number): void;
  /** One sentence for people: another process is waited for, a server is asked again. Empty: that is over. */
  note?(message: string): void;
}

/** Told of work that reads much: bytes done, of how many. */
export interface ReadIo {
  readonly signal: AbortSignal;
  progress?(done: number, total: number): void;
}

/** One file that takes room in the store. */
export interface StoredFile {
  /** What `remove` takes: the SHA-256, or for a file that nobody knows the digest of yet a word of our own. */
  readonly key: string;
  /** Hex; null: not known yet. */
  readonly sha256: string | null;
  /** On disk. */
  readonly bytes: number;
  /** What engines find it by, sorted: `Qwen3-8B-Q4_K_M.gguf`. */
  readonly names: readonly string[];
  /** `weightsDigest` of each model that it is a part of, sorted; its own digest is one where it is a model by itself. */
  readonly sets: readonly string[];
  /** When it was last linked, or fetched; milliseconds since 1970. */
  readonly lastUsed: number;
  /** `partial`: a download that was cut off, or goes on. `damaged`: set aside by `verify`. */
  readonly state: 'whole' | 'partial' | 'damaged';
}

/** A stack that uses weights of the store, known by the folder of its state. */
export interface StoreUser {
  /** Absolute. */
  readonly stateDir: string;
  /** Absolute path of its llmops.lock; null: it has none of its own on this disk. */
  readonly lock: string | null;
  /** Digests of weights, and of their files, that it used or was about to use when it was last put on record. */
  readonly digests: readonly string[];
}

/** What is on record of those. */
export interface StoreUsers {
  readonly users: readonly StoreUser[];
  /** Paths of records that cannot be read. */
  readonly unreadable: readonly string[];
}

/** What `verify` found of one file. */
export interface Verified {
  /** What it should be, hex. */
  readonly sha256: string;
  readonly bytes: number;
  readonly ok: boolean;
  /** What it is, hex. */
  readonly actual: string;
}

/** Weights by their content. See index.ts for what lies where. All methods throw ProblemErrors of the outside world. */
export interface Store {
  /**
   * Path of a whole file with this content: ours, or one in an existing Hugging Face or llama.cpp cache, which is used in
   * place. null: not here. Costs a few calls of stat; a file of another cache is hashed once, and remembered until it is
   * touched. Throws `cancelled`.
   */
  find(file: RemoteFile, io?: ReadIo): Promise<string | null>;
  /** Bytes that an earlier run fetched before it was cut off. */
  partialBytes(file: RemoteFile): Promise<number>;
  /** What the disk has left, for whoever wants to know before anything is fetched. */
  room(): Promise<Room>;
  /**
   * Throws `disk-full` unless what is missing of these files has room, beside the reserve. `fetch` asks this for its own
   * file; ask it for all before the first.
   */
  checkRoom(files: readonly RemoteFile[]): Promise<void>;
  /** The same, and no other download of this store is promised that room until it is given back by what this returns. */
  claimRoom(files: readonly RemoteFile[]): Promise<() => void>;
  /**
   * Brings a file here, from where an earlier run got to. It becomes visible whole and verified, or not at all. Returns at
   * once if it is here, and waits if another process is fetching it. Throws a ProblemError: `weights-corrupt-download`,
   * `download-…`, `disk-full`, `weights-store-unusable`, `cancelled`; what was fetched is kept, but for corrupt files.
   */
  fetch(file: RemoteFile, download: Download, io: FetchIo): Promise<void>;
  /**
   * The same for a file that nobody knows digest and size of yet, and tells them. An earlier run is continued where the
   * server vouches (ETag, or a date of last change) that it is still the same file. `name`: what it is called on disk.
   */
  fetchUnknown(name: string, download: Download, io: FetchIo): Promise<RemoteFile>;
  /**
   * Where an engine finds the first of these files once they are linked; the others lie beside it, each by its own base
   * name, as the parts of a split GGUF must. Known before anything is fetched. Pure. Throws `weights-bad-name`.
   */
  pathOf(files: readonly RemoteFile[]): string;
  /** Makes `pathOf` true by symbolic links, mends broken ones, and returns it. Throws `weights-not-here`. */
  link(files: readonly RemoteFile[]): Promise<string>;
  /** Everything of ours, sorted by key. */
  list(): Promise<readonly StoredFile[]>;
  /**
   * Removes files of ours by key, whole or not, with the links to them, and returns the bytes freed. What is being fetched
   * stays. An engine that has a file open or mapped keeps it until it ends (POSIX): the room is free only then.
   */
  remove(keys: readonly string[]): Promise<number>;
  /** Puts a stack on record, durably, so that nobody takes what it uses for unused. Before it uses any of it. */
  noteUser(user: StoreUser): Promise<void>;
  users(): Promise<StoreUsers>;
  /** Takes it off the record, by its state folder. False: it was not on it. */
  forgetUser(stateDir: string): Promise<boolean>;
  /** Runs work while no stack is put on record: what nobody uses then can be removed. Throws `cancelled`. */
  alone<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T>;
  /** Reads all whole files of ours again. A corrupt one is set aside: `find` no longer tells it, and the next fetch replaces it. */
  verify(io: ReadIo): Promise<readonly Verified[]>;
}
