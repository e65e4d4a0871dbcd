import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { TOP } from './sources.js';

/**
 * Null where the relay's native engine is to be had; otherwise half a sentence why not.
 *
 * Under CI (`CI=true`) it throws, so that nothing is skipped where everything must run.
 */
export function requireNative(): string | null {
  const isLinux = process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch);
  const isInstalled = existsSync(join(TOP, 'packages/relay/node_modules/koffi'));
  if (isLinux && isInstalled) return null;
  const missing = isLinux ? 'the npm package koffi is not installed' : 'this is not Linux on x64 or arm64';
  if (process.env['CI'] === 'true') throw new Error(`CI must run every test, but ${missing}`);
  return missing;
}
