import def, { a as b, c } from './mod';
import * as ns from "lib";
import 'side';
import type { T } from './types';
export * from './re';
export { x as y } from './z';
/** Doc of C.
 * second */
@Component({a: 1})
export class C<T> extends Base implements I {
  private field = 1;
  @Input() name: string;
  /** m doc */
  async method(a: number, b?: string): Promise<void> { if (a && b || a) { this.run(a); } }
  handler = (e) => { for (const x of e) { } };
}
export interface I { m(): void; p: string }
export type Alias = string | number;
export enum Color { Red }
export const arrow = async (x: number) => x ? 1 : 2;
const hidden = function () { return new C(); };
export default function main() { switch (1) { case 1: break; default: } }
namespace N { export function inner() {} }
export const TABLE = { a: 1 };
declare module 'foo' { export function z(): void; }
