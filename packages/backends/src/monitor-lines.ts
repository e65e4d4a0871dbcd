import type { HostChange } from '@hurricane/core';

const KINDS: Readonly<Record<string, HostChange['kind']>> = {
  LINK: 'link',
  ADDR: 'address',
  ROUTE: 'route',
  RULE: 'rule',
};

/** One line of `ip -o monitor label`; null for one that tells of something else. */
export function parseMonitorLine(line: string): HostChange | null {
  const found = /^\[(\w+)\](?:Deleted )?(.*)$/.exec(line);
  const kind = KINDS[found?.[1] ?? ''];
  if (kind === undefined) return null;
  return { kind, iface: ifaceIn(kind, found?.[2] ?? '') };
}

function ifaceIn(kind: HostChange['kind'], text: string): string | null {
  switch (kind) {
    // `3: he0@NONE: <POINTOPOINT,…`, `3: he0    inet6 2001:db8::2/64 …`
    case 'link':
    case 'address':
      return /^\d+: ([^\s@:]+)/.exec(text)?.[1] ?? null;
    // `default via fe80::1 dev he0 proto …`
    case 'route':
      return / dev (\S+)/.exec(text)?.[1] ?? null;
    // `9001:	from all oif he0 lookup 900`
    case 'rule':
      return / [io]if (\S+)/.exec(text)?.[1] ?? null;
  }
}
