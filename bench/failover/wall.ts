/**
 * Milliseconds of the wall clock, with fractions. `performance.timeOrigin` would do for a short-lived
 * process; over minutes the two clocks drift apart, so the difference is taken anew each time.
 */
export function wallNow(): number {
  const before = Date.now();
  let tick = Date.now();
  // At most a millisecond: until the wall clock's next.
  while (tick === before) tick = Date.now();
  return tick;
}
