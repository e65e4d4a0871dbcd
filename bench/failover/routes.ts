import { ROUTING_DEFAULTS } from '@hurricane/core';

/** What `ip monitor` prints when the default route goes to that device. */
export const defaultTo = (iface: string): RegExp => defaultAt(iface, ROUTING_DEFAULTS.metric);

/** And when that device's stands ready behind it. */
export const standbyTo = (iface: string): RegExp => defaultAt(iface, ROUTING_DEFAULTS.metric + 10);

const defaultAt = (iface: string, metric: number): RegExp =>
  new RegExp(`^default .*dev ${iface} .*metric ${metric}\\b`);
