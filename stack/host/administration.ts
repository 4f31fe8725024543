// `ip address` and `ip route` on the host's tables: adding and removing addresses with their connected routes, and routes.
// Knows the tables; throws their errors.
import type { AddressOption, RouteOption } from '../stack-options.js';
import { equalAddress, inPrefix, isIpv4, type Prefix, parseAddress, parsePrefix } from '../wire/address.js';
import { type NetworkLayer, networkOf } from './network.js';

/** Adds an address and the route to its network. The caller has checked the link. */
export function addAddress(network: NetworkLayer, option: AddressOption): void {
  const address = bytesOf(option.address);
  const bits = isIpv4(address) ? option.prefix + 96 : option.prefix;
  const link = option.link ?? 0;
  network.addresses.add(address, bits, link);
  network.routes.add({ destination: networkOf(address, bits), link, connected: true }, true);
}

/** Removes an address; the route to its network goes with the last address in it. */
export function removeAddress(network: NetworkLayer, text: string | Uint8Array): void {
  const { addresses, routes } = network;
  for (const gone of addresses.remove(bytesOf(text))) {
    const net = networkOf(gone.address, gone.bits);
    const shared = addresses.all.some(
      (other) =>
        other.link === gone.link &&
        other.bits === gone.bits &&
        inPrefix(other.address, 0, net.address, 0, net.bits),
    );
    if (shared) continue;
    routes.removeWhere(
      ({ connected, link, destination }) =>
        connected &&
        link === gone.link &&
        destination.bits === net.bits &&
        equalAddress(destination.address, 0, net.address, 0),
    );
  }
}

/** Adds a route; without a link it goes where its gateway is, or by the first link. */
export function addRoute(network: NetworkLayer, option: RouteOption, replace: boolean): void {
  const { destination, gateway, link, ...attributes } = option;
  const via = gateway === undefined ? null : bytesOf(gateway);
  const device = link ?? (via === null ? 0 : (network.routes.lookup(via, 0)?.link ?? 0));
  network.routes.add(
    { ...attributes, destination: prefixOf(destination), gateway: via, link: device },
    replace,
  );
}

export function removeRoute(network: NetworkLayer, destination: string): void {
  network.routes.remove(prefixOf(destination));
}

function bytesOf(address: string | Uint8Array): Uint8Array {
  return typeof address === 'string' ? parseAddress(address) : address;
}

function prefixOf(text: string): Prefix {
  if (text === 'default') return parsePrefix('0.0.0.0/0');
  if (text === 'default6') return parsePrefix('::/0');
  return parsePrefix(text);
}
