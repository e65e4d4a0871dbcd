import { createHash } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { parseIpv6, parseTarget, type UnixSeconds } from '@hurricane/core';
import { err, ok, type Result, ResultAsync } from 'neverthrow';

/** A mapping that a program has asked for, as it is kept. */
export interface StoredMapping {
  readonly protocol: 'udp' | 'tcp';
  readonly internal_port: number;
  readonly external_port: number;
  readonly v6_address: string;
  readonly direction: 'in' | 'out';
  readonly target: string | null;
  readonly description: string | null;
  readonly since: UnixSeconds;
}

/** `code` as the system gave it, such as `ENOSPC`. */
export interface StoreError {
  readonly code: string;
}

export interface Loaded {
  readonly mappings: readonly StoredMapping[];
  /** Where a file that could not be understood has been put; null: it could, or there was none. */
  readonly setAside: string | null;
}

/** Keeps mappings over a restart, however the process ended. Never rejects. */
export interface MappingStore {
  /** Errs when there may be something that cannot be read; then nothing should be saved over it. */
  load(): ResultAsync<Loaded, StoreError>;
  /** Resolves once they are on the disk: a power failure leaves either all of them or all from before. */
  save(mappings: readonly StoredMapping[]): ResultAsync<void, StoreError>;
}

const VERSION = 1;

/** A file with mode 0600 in a folder that is made, with mode 0700, if it is not there. */
export function fileStore(path: string, now: () => UnixSeconds): MappingStore {
  return { load: () => new ResultAsync(load(path, now)), save: (mappings) => attempt(() => write(path, mappings)) };
}

async function load(path: string, now: () => UnixSeconds): Promise<Result<Loaded, StoreError>> {
  const text = await attempt(() => readFile(path, 'utf8'));
  if (text.isErr()) return text.error.code === 'ENOENT' ? ok({ mappings: [], setAside: null }) : err(text.error);
  const mappings = decode(text.value);
  if (mappings !== null) return ok({ mappings, setAside: null });
  const setAside = `${path}.damaged-${now()}`;
  return attempt(() => rename(path, setAside)).map(() => ({ mappings: [], setAside }));
}

/** Not in place: what is half written must never be what is found. */
async function write(path: string, mappings: readonly StoredMapping[]): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const draft = join(folder, `.${basename(path)}.${process.pid}`);
  await rm(draft, { force: true });
  // `wx`: nobody else's file or link is written through.
  const file = await open(draft, 'wx', 0o600);
  try {
    await file.writeFile(encode(mappings));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
  // fsync(2): the new name is on the disk once the folder is.
  const names = await open(folder, 'r');
  try {
    await names.sync();
  } finally {
    await names.close();
  }
}

export function encode(mappings: readonly StoredMapping[]): string {
  return `${JSON.stringify({ version: VERSION, checksum: checksumOf(mappings), mappings }, null, 2)}\n`;
}

/** Null when it is not what `encode` made. */
export function decode(text: string): readonly StoredMapping[] | null {
  const read = parseJson(text);
  if (!isObject(read) || read['version'] !== VERSION) return null;
  const mappings: unknown = read['mappings'];
  if (!Array.isArray(mappings) || read['checksum'] !== checksumOf(mappings) || !mappings.every(isMapping)) return null;
  return mappings;
}

const checksumOf = (mappings: readonly unknown[]): string =>
  createHash('sha256').update(JSON.stringify(mappings)).digest('hex');

function isMapping(value: unknown): value is StoredMapping {
  if (!isObject(value)) return false;
  const { protocol, internal_port, external_port, v6_address, direction, target, description, since } = value;
  return (
    (protocol === 'udp' || protocol === 'tcp') &&
    isPort(internal_port) &&
    isPort(external_port) &&
    typeof v6_address === 'string' &&
    (v6_address === 'auto' || parseIpv6(v6_address).isOk()) &&
    (direction === 'in'
      ? target === null
      : direction === 'out' && typeof target === 'string' && parseTarget(target).isOk()) &&
    (description === null || typeof description === 'string') &&
    typeof since === 'number'
  );
}

const isPort = (value: unknown): boolean =>
  typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 65_535;

function isObject(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function attempt<T>(work: () => Promise<T>): ResultAsync<T, StoreError> {
  return ResultAsync.fromThrowable(work, (thrown) => ({
    code: (thrown as NodeJS.ErrnoException).code ?? 'EUNKNOWN',
  }))();
}
