import { type Clock, type Logger, systemClock } from '@hurricane/core';
import { err, ok, type Result, ResultAsync } from 'neverthrow';
import { admitsClient } from '../access/clients.js';
import { permits } from '../access/destinations.js';
import { Gatekeeper } from '../access/gatekeeper.js';
import { ownAddresses } from '../access/own-addresses.js';
import { readUsersFile, type UsersFault } from '../access/users-file.js';
import type { Endpoint, Engine, Flows, FlowsAfter, Heard, Leg, Listening, Ways } from '../contracts.js';
import { Dialer } from '../names/dial.js';
import { dnsResolver } from '../names/dns-resolver.js';
import type { Resolver } from '../names/resolver.js';
import { CallOff, type Signal } from '../signal.js';
import { serveClient } from './client.js';
import { Counters, type Socks5Counts } from './counters.js';
import type { Socks5Error } from './error.js';
import { Opening } from './opening.js';
import { PlainClients } from './plain.js';
import type { Service } from './service.js';
import { HEARD_AT_MOST, HEARD_FOR, type Socks5Settings } from './settings.js';

export interface Socks5Options {
  readonly engine: Engine;
  readonly ways: Ways;
  /** One that takes flows on which have begun lets an engine connect clients by itself. */
  readonly flows: Flows | FlowsAfter;
  readonly settings: Socks5Settings;
  readonly log: Logger;
  /** Left out: as the settings say. */
  readonly resolver?: Resolver;
  /** Left out: the system's. */
  readonly clock?: Clock;
}

export interface Socks5Server {
  readonly local: Endpoint;
  counts(): Socks5Counts;
  /** Reads the users file again. Err: the users from before stay. */
  reload(): ResultAsync<void, UsersFault>;
  /**
   * Accepts nobody any more, and ends what has not become a flow, and associations. Connections that have are for
   * whoever owns the flows to end. Resolves once all have.
   */
  close(): Promise<void>;
}

/** Where systems keep names of their own: hosts(5). */
const HOSTS_FILE = '/etc/hosts';

/** Starts the proxy. It is up once this has succeeded. */
export function serveSocks5(options: Socks5Options): ResultAsync<Socks5Server, Socks5Error> {
  return new ResultAsync(serve(options));
}

async function serve(options: Socks5Options): Promise<Result<Socks5Server, Socks5Error>> {
  const { engine, settings, clock = systemClock } = options;
  const gatekeeper = await gatekeeperOf(settings, clock);
  if (gatekeeper.isErr()) return err({ kind: 'users', fault: gatekeeper.error });
  const place: Place = { local: settings.listen };
  const service = serviceOf(options, gatekeeper.value, clock, place);
  const server = new Server(service, settings, options.log, place);
  const listening = await engine.listen(settings.listen, server.accept);
  if (listening.isErr()) return err({ kind: 'listen', at: settings.listen, error: listening.error });
  server.begin(listening.value, options.flows);
  place.local = listening.value.local;
  return ok(server);
}

async function gatekeeperOf(settings: Socks5Settings, clock: Clock): Promise<Result<Gatekeeper | null, UsersFault>> {
  if (settings.usersFile === null) return ok(null);
  return (await readUsersFile(settings.usersFile)).map((users) => new Gatekeeper(users, clock));
}

/** Where the proxy listens: known for certain once it does. */
interface Place {
  local: Endpoint;
}

function serviceOf(options: Socks5Options, gatekeeper: Gatekeeper | null, clock: Clock, place: Place): Service {
  const { engine, ways, flows, settings, log } = options;
  const rules = {
    allow: settings.allowDestinations,
    deny: settings.denyDestinations,
    control: () => [...settings.control, place.local],
    ownAddresses: ownAddresses(clock, ways),
  };
  const servers = settings.resolver;
  const resolver = options.resolver ?? dnsResolver({ clock, servers, hosts: servers === null ? HOSTS_FILE : null });
  const { ipv4, raceTunnels } = settings;
  const mayReach = (to: Endpoint): boolean => permits(rules, to);
  const dialer = new Dialer({ engine, ways, clock, resolver, ipv4, raceTunnels, permits: mayReach });
  const counters = new Counters();
  return { engine, ways, flows, clock, log, counters, dialer, resolver, ipv4, gatekeeper, permits: mayReach };
}

class Server implements Socks5Server {
  readonly #service: Service;
  readonly #settings: Socks5Settings;
  readonly #log: Logger;
  readonly #place: Place;
  readonly #opening = new Opening();
  /** What calls off each who is being served, and what resolves once they are not any more. */
  readonly #clients = new Map<CallOff, Promise<void>>();
  #plain: PlainClients | null = null;
  /** How many clients an engine hears by itself. */
  #hearing: () => number = () => 0;
  #closed = false;
  #listening: Listening | null = null;

  constructor(service: Service, settings: Socks5Settings, log: Logger, place: Place) {
    this.#service = service;
    this.#settings = settings;
    this.#log = log;
    this.#place = place;
  }

  get local(): Endpoint {
    return this.#place.local;
  }

  /** Where the engine hears clients by itself, it is told which: none who has to show a password. */
  begin(listening: Listening, flows: Flows | FlowsAfter): void {
    this.#listening = listening;
    if (listening.shakeHands === undefined || this.#service.gatekeeper !== null || !('openAfter' in flows)) return;
    this.#plain = new PlainClients(this.#service, flows, {
      enter: (client) => this.#enter(client),
      serve: (leg, leave, work) => this.#serve(leg, leave, work),
    });
    const { asked } = this.#plain;
    this.#hearing = listening.shakeHands({
      clients: this.#settings.allowClients,
      patience: HEARD_FOR,
      atOnce: HEARD_AT_MOST,
      asked,
    });
  }

  readonly accept = (leg: Leg, heard?: Heard): void => {
    const leave = this.#enter(leg.remote.address);
    if (leave === null) leg.reset();
    else this.#serve(leg, leave, (signal) => serveClient(leg, this.#service, signal, leave, heard));
  };

  counts(): Socks5Counts {
    return this.#service.counters.counts(this.#opening.size + this.#hearing());
  }

  reload(): ResultAsync<void, UsersFault> {
    const { usersFile } = this.#settings;
    const { gatekeeper } = this.#service;
    if (usersFile === null || gatekeeper === null) return new ResultAsync(Promise.resolve(ok(undefined)));
    return readUsersFile(usersFile).map((users) => gatekeeper.replace(users));
  }

  async close(): Promise<void> {
    const freed = this.#listening?.close();
    this.#closed = true;
    for (const stop of this.#clients.keys()) stop.abort();
    const ended = this.#plain?.close();
    await freed;
    await ended;
    await Promise.all(this.#clients.values());
  }

  /** Null: the client is turned away. */
  #enter(client: string): (() => void) | null {
    const { counters } = this.#service;
    counters.clients += 1;
    const allowed = admitsClient(this.#settings.allowClients, client);
    const leave = allowed && !this.#closed ? this.#opening.enter(client) : null;
    if (leave === null) counters.refused(allowed ? 'too_many' : 'not_allowed');
    return leave;
  }

  #serve(leg: Leg, leave: () => void, work: (signal: Signal) => Promise<void>): void {
    const stop = new CallOff();
    if (this.#closed) stop.abort();
    this.#clients.set(stop, this.#work(leg, leave, stop, work));
  }

  /** Nothing in there rejects; should it all the same, one client is lost and not all of them. */
  async #work(leg: Leg, leave: () => void, stop: CallOff, work: (signal: Signal) => Promise<void>): Promise<void> {
    try {
      await work(stop);
    } catch (defect) {
      this.#log.log('error', 'SOCKS5: a client was lost to a fault of ours', { defect: String(defect) });
      leg.reset();
    }
    leave();
    this.#clients.delete(stop);
  }
}
