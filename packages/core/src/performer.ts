import { okAsync, type ResultAsync } from 'neverthrow';
import type { TunnelConfig } from './config/model.js';
import type { BackendDriver, Host } from './contracts.js';
import type { Effect, Event } from './effects.js';
import type { DriverError, LinkReading, RouteError } from './facts.js';
import { guard, Scopes } from './scopes.js';

type Dispatch = (event: Event) => void;
type Warn = (text: string, fields: Readonly<Record<string, unknown>>) => void;

/** Does to the host what effects say, and brings the answers back as events. Judges nothing. */
export class Performer {
  readonly #host: Host;
  readonly #dispatch: Dispatch;
  readonly #warn: Warn;
  readonly #scopes: Scopes = new Scopes();

  constructor(outside: { host: Host; dispatch: Dispatch; warn: Warn }) {
    this.#host = outside.host;
    this.#dispatch = outside.dispatch;
    this.#warn = outside.warn;
  }

  /** Calls off all that is under way. */
  abandon(): void {
    this.#scopes.abortAll();
  }

  /** Begins what the effect asks for, and returns at once. The answer comes back as an event. */
  perform(effect: Exclude<Effect, { type: 'announce' }>): void {
    switch (effect.type) {
      case 'abort':
        this.#scopes.abort(effect.scope === 'route' ? 'route' : `tunnel ${effect.scope.tunnel}`);
        return;
      case 'raise':
      case 'lower':
      case 'inspect':
        this.#operate(effect);
        return;
      case 'probe':
        this.#probe(effect);
        return;
      case 'sweep':
        this.#sweep(effect.tunnels);
        return;
      case 'repair':
        void this.#repair(effect);
        return;
      case 'abort_flows':
        this.#abortFlows(effect);
        return;
      case 'measure':
        this.#measure();
        return;
      case 'apply_route': {
        const { plan, epoch } = effect;
        void this.#scopes
          .serial('route', (signal) => this.#host.routes.apply(plan, signal))
          .match(
            () => this.#dispatch({ type: 'route_applied', epoch }),
            (error) => this.#dispatch({ type: 'route_failed', epoch, error }),
          );
      }
    }
  }

  #operate({ type, tunnel: config, epoch }: Extract<Effect, { type: 'raise' | 'lower' | 'inspect' }>): void {
    const tunnel = config.name;
    const driver = this.#driver(config);
    const failed = (fault: DriverError): void => this.#dispatch({ type: 'tunnel_failed', tunnel, epoch, fault });
    switch (type) {
      case 'raise':
        void this.#scopes
          .serial(`tunnel ${tunnel}`, (signal) => driver.up(config, signal))
          .match((reading) => this.#dispatch({ type: 'tunnel_raised', tunnel, epoch, reading }), failed);
        return;
      case 'lower':
        void this.#scopes
          .serial(`tunnel ${tunnel}`, (signal) => driver.down(config, signal))
          .match(() => this.#dispatch({ type: 'tunnel_lowered', tunnel, epoch }), failed);
        return;
      case 'inspect':
        this.#inspect(tunnel, epoch, (signal) => driver.inspect(config, signal));
    }
  }

  #inspect(tunnel: string, epoch: number, look: (signal: AbortSignal) => ResultAsync<LinkReading, DriverError>): void {
    let asked: AbortSignal | null = null;
    // A look that was called off has been asked for anew, or does not matter: its answer is dropped.
    const unlessCalledOff = (event: Event): void => {
      if (asked?.aborted === false) this.#dispatch(event);
    };
    void this.#scopes
      .serial(`tunnel ${tunnel}`, (signal) => {
        asked = signal;
        return look(signal);
      })
      .match(
        (reading) => unlessCalledOff({ type: 'tunnel_inspected', tunnel, epoch, reading }),
        (fault) => unlessCalledOff({ type: 'inspection_failed', tunnel, epoch, fault }),
      );
  }

  #probe({ tunnel, epoch, stream, plan }: Extract<Effect, { type: 'probe' }>): void {
    const scope = `probe ${stream} ${tunnel}`;
    if (plan === null) {
      this.#scopes.abort(scope);
      return;
    }
    const signal = this.#scopes.begin(scope);
    const { prober } = this.#host;
    const watching = guard(() =>
      prober.watch(
        plan,
        (finding) => {
          if (!signal.aborted) this.#dispatch({ type: 'probed', tunnel, epoch, stream, finding });
        },
        signal,
      ),
    );
    void watching.mapErr((fault) => {
      if (!signal.aborted) this.#dispatch({ type: 'probing_failed', tunnel, epoch, stream, fault });
    });
  }

  #sweep(tunnels: readonly TunnelConfig[]): void {
    const signal = this.#scopes.begin('sweep');
    void guard(() => this.#host.sweep?.(tunnels, signal) ?? okAsync([])).match(
      (found) => this.#dispatch({ type: 'swept', found }),
      (fault) => this.#dispatch({ type: 'sweep_failed', fault }),
    );
  }

  /** Each tunnel in its own scope: a repair never meets an operation. What cannot be looked at is tried later. */
  async #repair({ epoch, tunnels, plan }: Extract<Effect, { type: 'repair' }>): Promise<void> {
    // A look that hangs is called off by the next one.
    const round = this.#scopes.begin('repair');
    const both = (signal: AbortSignal): AbortSignal => AbortSignal.any([signal, round]);
    const looks = tunnels.map((tunnel) =>
      this.#scopes.afterwards(
        `tunnel ${tunnel.name}`,
        (signal) => this.#driver(tunnel).repair?.(tunnel, both(signal)) ?? okAsync([]),
      ),
    );
    const verify = (signal: AbortSignal): ResultAsync<readonly string[], RouteError> =>
      (plan === null ? undefined : this.#host.routes.verify?.(plan, both(signal))) ?? okAsync([]);
    const routes = plan === null ? [] : [this.#scopes.afterwards('route', verify)];
    const answers = await Promise.all([...looks, ...routes]);
    const found = answers.flatMap((answer) => answer.unwrapOr([]));
    this.#dispatch({ type: 'repaired', epoch, found, complete: answers.every((answer) => answer.isOk()) });
  }

  #abortFlows({ tunnel, address }: Extract<Effect, { type: 'abort_flows' }>): void {
    const { flows } = this.#host;
    if (flows === undefined) return;
    const signal = this.#scopes.begin(`flows ${tunnel}`);
    void guard(() => flows.abort(address, signal)).match(
      (count) => this.#dispatch({ type: 'flows_aborted', tunnel, count }),
      (fault) => this.#warn('Cannot end connections over an unreachable tunnel', { tunnel, fault }),
    );
  }

  #measure(): void {
    const signal = this.#scopes.begin('measure');
    // Not being able to count is no news: verdicts then rest on probes alone.
    void guard(() => this.#host.meter.read(signal)).map((counters) => {
      if (!signal.aborted) this.#dispatch({ type: 'measured', counters });
    });
  }

  /** Reports the host's changes as events until `abandon`. */
  watchHost(): void {
    const signal = this.#scopes.begin('monitor');
    const { monitor } = this.#host;
    if (monitor === undefined) return;
    void guard(() =>
      monitor.watch((change) => {
        if (!signal.aborted) this.#dispatch({ type: 'host_changed', change });
      }, signal),
    ).mapErr((fault) => {
      if (!signal.aborted) this.#warn('Cannot watch the host for changes: noticing them takes longer', { fault });
    });
  }

  /** The one place a tunnel's type and its driver are matched up; TypeScript cannot follow the pairing itself. */
  #driver(tunnel: TunnelConfig): BackendDriver {
    return this.#host.drivers[tunnel.type] as unknown as BackendDriver;
  }
}
