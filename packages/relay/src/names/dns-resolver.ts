import { promises as dns } from 'node:dns';
import type { Clock, Instant, Millis } from '@hurricane/core';
import { err, ok, type Result, ResultAsync } from 'neverthrow';
import { startDeadline, unlessAborted } from '../deadline.js';
import type { Signal } from '../signal.js';
import { type Hosts, hostsFile } from './hosts-file.js';
import type { Family, NameError, Resolver } from './resolver.js';

// Asks name servers itself (c-ares) after a look into hosts(5). getaddrinfo(3) would be more of a system's own way, but
// every question takes one of four threads of the process for as long as a silent server lets it: a
// handful of names that nobody answers would hold up every other, and the checking of passwords.

/** For one question, whatever became of it. Stub resolvers give up on a server after 5 s (resolv.conf(5)). */
export const LOOKUP_LIMIT: Millis = 5_000;

/** Each server gets this long, and the next one after it; twice round fits into `LOOKUP_LIMIT` with one server. */
const SERVER_LIMIT: Millis = 2_000;
const ROUNDS = 2;

/** Questions on their way. Each is a socket or a part of one; a page with a hundred names asks two hundred. */
export const LOOKUPS_AT_MOST = 512;

/** The servers of resolv.conf(5) are read again this often, because they change with the network. */
const SERVERS_KEPT: Millis = 30_000;

export interface DnsResolverOptions {
  readonly clock: Clock;
  /** `192.0.2.53`, `[2001:db8::53]:5353`. Null: those of resolv.conf(5). */
  readonly servers: readonly string[] | null;
  /** Null: no hosts file is looked into. */
  readonly hosts: string | null;
}

export function dnsResolver({ clock, servers, hosts }: DnsResolverOptions): Resolver {
  const ask = asker(clock, servers);
  const file = hosts === null ? null : hostsFile(hosts, clock);
  return {
    resolve: (name, family, signal) => new ResultAsync(resolveName(ask, file, name, family, signal)),
    reverse: (address, signal) => new ResultAsync(ask((resolver) => resolver.reverse(address), signal)),
  };
}

type Answer = Result<readonly string[], NameError>;
type Ask = (question: (resolver: dns.Resolver) => Promise<readonly string[]>, signal: Signal) => Promise<Answer>;

async function resolveName(
  ask: Ask,
  hosts: Hosts | null,
  name: string,
  family: Family,
  signal: Signal,
): Promise<Answer> {
  // RFC 6761 section 6.3: these never leave the machine.
  if (name === 'localhost' || name.endsWith('.localhost')) return ok([family === 6 ? '::1' : '127.0.0.1']);
  const written = hosts === null ? null : await hosts.lookUp(name, family);
  if (written !== null) return ok(written);
  return ask((r) => (family === 6 ? r.resolve6(name) : r.resolve4(name)), signal);
}

function asker(clock: Clock, servers: readonly string[] | null): Ask {
  let resolver: dns.Resolver | null = null;
  let madeAt: Instant = 0;
  let underWay = 0;
  return async (question, signal) => {
    if (signal.aborted) return err({ kind: 'aborted' });
    if (underWay >= LOOKUPS_AT_MOST) return err({ kind: 'busy', limit: LOOKUPS_AT_MOST });
    if (resolver === null || clock.now() - madeAt > SERVERS_KEPT) {
      resolver = makeResolver(servers);
      madeAt = clock.now();
    }
    underWay += 1;
    // A question that is given up goes on until c-ares gives up as well, and is counted until then.
    const answer = question(resolver)
      .then<Answer, Answer>(
        (addresses) => ok(addresses),
        (thrown: NodeJS.ErrnoException) => failureOf(thrown.code),
      )
      .finally(() => {
        underWay -= 1;
      });
    const deadline = startDeadline(clock, LOOKUP_LIMIT, 'name lookup', signal);
    const answered = await unlessAborted(answer, deadline.signal);
    const { expired } = deadline;
    deadline.end();
    return answered ?? err(expired ? { kind: 'timed_out', after: LOOKUP_LIMIT } : { kind: 'aborted' });
  };
}

function makeResolver(servers: readonly string[] | null): dns.Resolver {
  const resolver = new dns.Resolver({ timeout: SERVER_LIMIT, tries: ROUNDS });
  if (servers !== null) resolver.setServers(servers);
  return resolver;
}

/** dns.html "Error codes". That a name has nothing of this kind (ENODATA) is a finding. */
function failureOf(code: string | undefined): Answer {
  switch (code) {
    case 'ENODATA':
      return ok([]);
    case 'ENOTFOUND':
      return err({ kind: 'not_found' });
    case 'ETIMEOUT':
      return err({ kind: 'timed_out', after: SERVER_LIMIT * ROUNDS });
    case 'EBADNAME':
      return err({ kind: 'not_a_name' });
    default:
      return err({ kind: 'failed', code: code ?? 'unknown' });
  }
}
