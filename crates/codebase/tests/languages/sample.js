const fs = require('fs');
import React, { useState as s } from 'react';
/** Adds. */
export const add = (a, b) => a + b;
export class C extends D {
  #hidden() {}
  static make() { return new C(); }
  handler = async () => { await add(1, 2); };
}
function* gen() { yield 1; }
module.exports.named = function () {};
export { gen as generator };
export * as all from './all.js';
const LIMIT = 5, obj = { m() { return 1; } };
