import { type GatewayError, nearestOf, type PortError } from '@hurricane/core';

/** Why a tool has no answer. Nothing has been changed. */
export type ToolError =
  | { readonly kind: 'bad_arguments'; readonly faults: readonly string[] }
  | { readonly kind: 'unknown_tunnel'; readonly tunnel: string; readonly known: readonly string[] }
  /** @param what that this gateway does not keep or do, such as "history". */
  | { readonly kind: 'not_offered'; readonly what: string }
  /** @param mode of exposure that is in force. */
  | { readonly kind: 'ports_not_offered'; readonly mode: string }
  | { readonly kind: 'port'; readonly error: PortError }
  | { readonly kind: 'gateway'; readonly error: GatewayError }
  /** Too many changes in too short a time. */
  | { readonly kind: 'too_many_changes'; readonly waitSeconds: number }
  | { readonly kind: 'called_off' }
  /** The tool threw: a bug, contained. */
  | { readonly kind: 'defect' };

/** One sentence or two for whoever asked: what is wrong, and what would be right. */
export function describeToolError(error: ToolError): string {
  switch (error.kind) {
    case 'bad_arguments':
      return error.faults.join(' ');
    case 'unknown_tunnel': {
      const meant = nearestOf(error.tunnel, error.known);
      const hint = meant === null ? '' : ` Did you mean "${meant}"?`;
      return `There is no tunnel "${error.tunnel.slice(0, 64)}".${hint} There are: ${listed(error.known)}.`;
    }
    case 'not_offered':
      return `This gateway offers no ${error.what}.`;
    case 'ports_not_offered':
      return error.mode === 'proxy'
        ? 'Port mappings are not part of this gateway, although exposure mode "proxy" is set.'
        : `Port mappings belong to exposure mode "proxy", and this gateway is in mode "${error.mode}". ` +
            'To enable them, write "mode = proxy" under [exposure] in the configuration and restart the gateway.';
    case 'port':
      return describePortError(error.error);
    case 'gateway':
      return error.error.kind === 'unknown_tunnel'
        ? describeToolError(error.error)
        : `The gateway refused: ${error.error.kind}.`;
    case 'too_many_changes':
      return `There were too many changes in too short a time. Try again in ${error.waitSeconds} s.`;
    case 'called_off':
      return 'It was called off.';
    case 'defect':
      return "This is a defect of the gateway's; its log says more. Nothing has been changed.";
  }
}

function describePortError(error: PortError): string {
  switch (error.kind) {
    case 'port_taken':
      return `The ${error.side} port ${error.port} is taken by ${error.holder ?? 'another mapping or another program'}. Choose another one.`;
    case 'port_reserved':
      return `The ${error.side} port ${error.port} is the gateway's own. Choose another one.`;
    case 'not_permitted':
      return `The gateway is not permitted to listen on port ${error.port}. Choose one above 1023.`;
    case 'address_not_ours':
      return `"${error.address}" is not an address of a tunnel. Give "auto", or one of: ${listed(error.ours)}.`;
    case 'no_address':
      return 'No tunnel has an address to map a port of. Try again when one is up.';
    case 'bad_target':
      return `"target" ${error.problem}.`;
    case 'unknown_mapping':
      return `There is no mapping of ${error.protocol} port ${error.externalPort}. list_ports shows those there are.`;
    case 'mapping_configured':
      return `That mapping stands in the configuration, as "${error.name}", and is removed there.`;
    case 'too_many_mappings':
      return `There are ${error.limit} mappings, which is as many as there can be. Remove one first.`;
    case 'failed':
      return `The system did not open the port (${error.code}).`;
  }
}

const listed = (names: readonly string[]): string => names.join(', ') || 'none';
