import type { Millis } from '@hurricane/core';
import type { Prompt } from './prompt.js';
import { gatewayPrompts } from './prompts.js';
import type { Resource, ResourceTemplate } from './resource.js';
import { gatewayResources, gatewayTemplates } from './resources.js';
import type { Sources } from './sources.js';
import type { Tool } from './tool.js';
import { type Audit, type ChangePace, controlTools } from './tools/control-tools.js';
import { diagnoseTool } from './tools/diagnose-tool.js';
import { failoverTools } from './tools/failover-tools.js';
import { pastTools } from './tools/past-tools.js';
import { portTools } from './tools/port-tools.js';
import { statusTools } from './tools/status-tools.js';

/** All that a server offers, as tables. Knows no SDK. */
export interface Offer {
  readonly name: string;
  readonly title: string;
  readonly version: string;
  /** For the model: what this server is for. */
  readonly instructions: string;
  /** In the order in which they are listed. */
  readonly tools: readonly Tool[];
  readonly resources: readonly Resource[];
  readonly templates: readonly ResourceTemplate[];
  readonly prompts: readonly Prompt[];
  /** How long what was read may be taken for true. */
  readonly freshFor: Millis;
  /**
   * While it is the same, tools that answer at once say the same, but for the time that goes by. Left out: nothing is
   * known of that.
   */
  readonly moment?: () => unknown;
  /** Further settings of the SDK 2.x, for tools that are written for it. */
  readonly sdk?: { readonly capabilities: object; readonly requestState: object };
}

export interface OfferOptions extends Sources {
  readonly version: string;
  /** Adds the tools that change something; each use is told. Left out: they do not exist. */
  readonly control?: Audit;
  /** How fast those tools may be used. Left out: as fast as anybody likes. */
  readonly changePace?: ChangePace;
}

const INSTRUCTIONS =
  'HURRICANE gives this machine real IPv6 through tunnels over IPv4, measures each of them, and moves the default ' +
  'route to the best one when another fails. Start with check_health and get_tunnel_status; explain_failover says ' +
  'why the traffic goes where it goes, diagnose where a tunnel is broken, simulate_failover what would happen if. ' +
  'Scores are 0 to 100; unknown is null. Times are Unix time unless a name says otherwise.';

export function gatewayOffer(options: OfferOptions): Offer {
  const { version, control, changePace = () => 0, gateway } = options;
  return {
    name: 'v6-gatewayd',
    title: 'HURRICANE IPv6 tunnel gateway',
    version,
    instructions: INSTRUCTIONS,
    tools: [
      ...statusTools(options),
      ...failoverTools(options),
      ...pastTools(options),
      diagnoseTool(options),
      ...portTools(options),
      ...(control === undefined ? [] : controlTools(options, control, changePace)),
    ],
    resources: gatewayResources(options),
    templates: gatewayTemplates(options),
    prompts: gatewayPrompts(options),
    // A probe may change it, and the next one comes after so long.
    freshFor: gateway.status().config.health.interval,
    ...(gateway.state === undefined ? {} : { moment: () => gateway.state }),
  };
}
