import type { ConfigOf, DriverError } from '@hurricane/core';
import { err, ok, okAsync, type Result, type ResultAsync, safeTry } from 'neverthrow';
import { type Interface, readInterface } from './interface.js';
import { christen, isMarked, markIn } from './ownership.js';
import { type Ends, hasEnds, makeSit, removeRenamed, turnSit } from './sit.js';
import type { Undo } from './undo.js';
import { findCarrier, startCarrier, type UserspaceDeps } from './userspace-6in4.js';

export interface CarryRequest {
  readonly tunnel: ConfigOf<'he_6in4'>;
  /** What has the interface's name; null when nothing has. */
  readonly found: Interface | null;
  readonly ends: Ends;
}

/** An interface that packets for the tunnel can be given to. */
export interface Carried {
  readonly link: Interface;
  /** We made it, and may change and remove it. */
  readonly isOurs: boolean;
  /** What was not as it should be, a phrase each. */
  readonly restored: readonly string[];
}

/** What carrying needs of the host, and what it remembers of it. */
export interface CarryDeps extends UserspaceDeps {
  /**
   * By interface: the number of the one whose process was found to be right, and its ends. A TUN
   * interface never outlives its process, and a process keeps its arguments: no need to look for it again.
   */
  readonly rightProcess: Map<string, string>;
  /** By interface: the kernel's number of the `sit` of ours that carried its tunnel last, by this name or another. */
  readonly lastSit: Map<string, number>;
}

/** Sees to it that there is an interface with these ends. Somebody else's is taken as it is, or not at all. */
export function carry(
  deps: CarryDeps,
  { tunnel, found, ends }: CarryRequest,
  note: (undo: Undo) => void,
  signal: AbortSignal,
): ResultAsync<Carried, DriverError> {
  const { runner } = deps;
  return safeTry(async function* () {
    if (found?.kind === 'sit' && !isMarked(found)) return adopt(tunnel, found, ends);
    if (found?.kind === 'sit') {
      yield* turnSit(runner, found, ends, note, signal);
      const link = remembered(deps, yield* named(deps, found, signal));
      return ours(link, hasEnds(found, ends) ? [] : [describeEnds(ends)]);
    }
    if (found !== null) {
      const carrier = yield* carrierOf(deps, found, ends, signal);
      if (carrier === 'none') return err<Carried, DriverError>(taken(found, `${found.kind ?? 'hardware'} interface`));
      if (carrier === 'right') return ours(yield* named(deps, found, signal), []);
    }
    // Ours may be there by another name: then it is in the way of the new one, or, with other ends, left over by it.
    if (found === null) yield* removeRenamed(runner, deps.lastSit.get(tunnel.iface) ?? null, signal);
    const made = found === null ? yield* makeSit(runner, ends, note, signal) : 'no_sit_here';
    if (made === 'no_sit_here') yield* startCarrier(deps, ends, note, signal);
    const fresh = yield* readInterface(runner, ends.iface, signal);
    if (fresh === null) return err<Carried, DriverError>({ kind: 'interface_missing', iface: ends.iface });
    return ours(remembered(deps, yield* named(deps, fresh, signal)), [describeEnds(ends)]);
  });
}

function remembered({ lastSit }: CarryDeps, link: Interface): Interface {
  if (link.kind === 'sit' && link.index !== null) lastSit.set(link.name, link.index);
  return link;
}

function carrierOf(
  deps: CarryDeps,
  found: Interface,
  ends: Ends,
  signal: AbortSignal,
): ResultAsync<'right' | 'outdated' | 'none', DriverError> {
  if (found.kind !== 'tun') return okAsync('none');
  const key = `${found.index} ${ends.local} ${ends.remote}`;
  if (found.index !== null && deps.rightProcess.get(found.name) === key) return okAsync('right');
  return findCarrier(deps, ends, signal).map((carrier) => {
    if (carrier === 'right') deps.rightProcess.set(found.name, key);
    return carrier;
  });
}

const ours = (link: Interface, restored: readonly string[]): Result<Carried, DriverError> =>
  ok({ link, isOurs: true, restored });

/** Ours, but perhaps of a process that ended before it could say so. */
function named({ runner }: UserspaceDeps, found: Interface, signal: AbortSignal): ResultAsync<Interface, DriverError> {
  return safeTry(async function* () {
    if (markIn(found.alias) === null) yield* christen(runner, found.name, signal);
    return ok(found);
  });
}

/** Nothing of it may be changed: what does not fit has to be somebody else's decision. */
function adopt(tunnel: ConfigOf<'he_6in4'>, found: Interface, ends: Ends): Result<Carried, DriverError> {
  const { remote, local } = found.ends ?? { remote: 'any', local: 'any' };
  const fits = remote === ends.remote && (tunnel.local === null || local === tunnel.local);
  if (!fits) return err(taken(found, `sit interface from ${local} to ${remote}`));
  if (!found.up) return err(taken(found, 'sit interface that is down'));
  if (tunnel.mtu !== null && found.mtu !== tunnel.mtu) return err(taken(found, `sit interface with MTU ${found.mtu}`));
  return ok({ link: found, isOurs: false, restored: [] });
}

const taken = (found: Interface, what: string): DriverError => ({
  kind: 'interface_taken',
  iface: found.name,
  found: what,
});

const describeEnds = ({ iface, remote, local }: Ends): string => `${iface} from ${local ?? 'any address'} to ${remote}`;
