/** A running hash over text: the same texts in the same order, the same 16 hex digits (cyrb53). */
export class Fingerprint {
  #a = 0xdeadbeef;
  #b = 0x41c6ce57;

  add(text: string): void {
    for (let i = 0; i < text.length; i += 1) {
      const code = text.charCodeAt(i);
      this.#a = Math.imul(this.#a ^ code, 0x9e3779b1);
      this.#b = Math.imul(this.#b ^ code, 0x5f356495);
    }
  }

  toString(): string {
    const hex = (n: number): string => (n >>> 0).toString(16).padStart(8, '0');
    return hex(this.#a ^ (this.#b >>> 15)) + hex(this.#b ^ (this.#a >>> 13));
  }
}
