import type { Endpoint, FlowEnd, Leg, ListenError, Listening, Route } from './contracts.js';
import type { EngineOnTrial } from './engine-contract.test-support.js';
import { type HandFlow, HOST, handFlow } from './loopback.test-support.js';

/** One connection that is led to a target. */
export interface Lead {
  readonly flow: HandFlow;
  readonly over: Promise<FlowEnd>;
}

/** Called when one begins. */
export type OnLead = (lead: Lead) => void;

/** A listener whose connections the engine leads on by itself. Whoever is asked about one all the same gets it. */
export async function ledListener(
  { engine }: Pick<EngineOnTrial, 'engine'>,
  route: Route,
  asked: (leg: Leg) => void = (leg) => leg.reset(),
): Promise<Listening | ListenError> {
  const listening = await engine.listen({ address: HOST, port: 0 }, asked);
  if (listening.isErr()) return listening.error;
  listening.value.lead?.(route);
  return listening.value;
}

/** A route whose connections have each a flow of the test's. */
export function handRoute(to: Endpoint, onLead: OnLead, parts: Partial<Route> = {}): Route {
  return {
    to,
    source: null,
    timeout: 5_000,
    except: [],
    room: () => 1_024,
    begun: (_, cut) => {
      const flow = handFlow();
      let settle: (end: FlowEnd) => void = () => {};
      const over = new Promise<FlowEnd>((resolve) => {
        settle = resolve;
      });
      flow.signal.addEventListener('abort', () => cut(flow.signal.reason as FlowEnd));
      const closed = (end: FlowEnd): void => {
        flow.closed(end);
        settle(end);
      };
      onLead({ flow, over });
      return { count: flow.count, closed, failed: () => closed('reset') };
    },
    ...parts,
  };
}

/** Leads what arrives to `to`: by a route, or asked about each connection. */
export async function leadTo(trial: EngineOnTrial, to: Endpoint, onLead: OnLead): Promise<Listening> {
  if (trial.leads === true) {
    const led = await ledListener(trial, handRoute(to, onLead));
    if ('local' in led) return led;
    throw new Error(`it cannot listen: ${led.kind}`);
  }
  const { engine } = trial;
  const lead = async (near: Leg): Promise<void> => {
    const far = (await engine.connect({ to, source: null, timeout: 5_000 }))._unsafeUnwrap();
    const flow = handFlow();
    onLead({ flow, over: engine.join(near, far, flow) });
  };
  return (await engine.listen({ address: HOST, port: 0 }, (near) => void lead(near)))._unsafeUnwrap();
}
