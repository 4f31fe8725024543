// The multicast groups that a host has joined beside those that every node is in (224.0.0.1, ff02::1, the solicited-node
// groups of its addresses): joined per link, counted, because several sockets may want the same one. Any source; knows no
// sockets and sends nothing: igmp.ts and mld.ts report what is here.
import { equalAddress, isIpv4, isMulticast } from '../wire/address.js';

interface Membership {
  readonly group: Uint8Array;
  readonly link: number;
  users: number;
}

export class GroupTable {
  /** Changes with every group that comes or goes. */
  generation = 1;
  readonly #list: Membership[] = [];

  /** One more user of `group` (16 bytes, multicast) on `link`. */
  join(group: Uint8Array, link: number): void {
    const found = this.#find(group, 0, link);
    if (found !== undefined) {
      found.users++;
      return;
    }
    if (!isMulticast(group)) throw new RangeError('a group has a multicast address');
    this.#list.push({ group: Uint8Array.from(group), link, users: 1 });
    this.generation++;
  }

  /** One user less; false when there was none. */
  leave(group: Uint8Array, link: number): boolean {
    const found = this.#find(group, 0, link);
    if (found === undefined) return false;
    if (--found.users > 0) return true;
    this.#list.splice(this.#list.indexOf(found), 1);
    this.generation++;
    return true;
  }

  has(a: Uint8Array, o: number, link: number): boolean {
    return this.#find(a, o, link) !== undefined;
  }

  /** The groups of one family on a link; not to be changed. */
  of(link: number, v4: boolean): Uint8Array[] {
    return this.#list
      .filter((each) => each.link === link && isIpv4(each.group) === v4)
      .map((each) => each.group);
  }

  get size(): number {
    return this.#list.length;
  }

  #find(a: Uint8Array, o: number, link: number): Membership | undefined {
    for (const each of this.#list) if (each.link === link && equalAddress(each.group, 0, a, o)) return each;
    return undefined;
  }
}
