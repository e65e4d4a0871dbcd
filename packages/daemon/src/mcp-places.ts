import { MCP_DEFAULTS } from '@hurricane/core';

/**
 * Where the unit's sandbox leaves the daemon a directory of its own under /run, and nothing else of it
 * (`RuntimeDirectory=` and `ProtectSystem=strict` in systemd.exec(5)).
 */
const SANDBOXED_SOCKET = '/run/v6-gatewayd/mcp.sock';

/** Where the MCP socket may be, the first choice first, when the configuration names that path. */
export function mcpPlaces(named: string): readonly string[] {
  return named === MCP_DEFAULTS.socket ? [named, SANDBOXED_SOCKET] : [named];
}
