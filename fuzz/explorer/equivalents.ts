// Mutants that no model can notice because they change nothing that another thread can see, or because what they break
// is a guard that unit tests hold. Each with its proof. The mutation proof fails when one of these is killed after
// all, or no longer exists.

export const EQUIVALENT: Readonly<Record<string, string>> = {
  'doorbell.prepare swap HOW/ARGUMENT':
    'both words are stored before ASK turns odd, and a waker reads them only after it has seen ASK odd',
  'doorbell.prepare swap ARGUMENT/BELL':
    'BELL is read before ASK turns odd either way; ARGUMENT is read by wakers only after that',
  'party.release remove STATE_FREE':
    'STATE serves the double-release error alone (party.test holds that); the index itself is handed over by the ring',
  'channel.release swap party/if':
    'the credit of a full batch of 32 goes out one release early: the quota may be exceeded by that one buffer for a moment, which the quota allows for (it counts, it does not own)',
  'chains.joinChains swap NEXT/words':
    'the smaller heads are not published before every pair is joined, so no reader can come by the new head yet',
  'resize.insert remove nodes':
    'runs only when the arena is full in the middle of a reseed; table.test counts the nodes there',
  'resize.remove swap if/nodes':
    'retire notes the node in a private list; its grace period begins later, in tick, on the same thread',
  'resize.remove swap unlinkNode/nodes':
    'retire notes the node in a private list; its grace period begins later, in tick, on the same thread',
  'resize.copyChain swap VALUE/NEXT':
    'reads of the control thread of its own words, while it changes none of them in between',
  'reader.walk swap VALUE/NEXT':
    'the same node is read either way, and cannot be reused before the next quiescent state; an extra read of NEXT is not used',
};
