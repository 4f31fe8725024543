// Peer for bench/table.ts: userspace-rcu's split-ordered hash table (rculfhash) under QSBR, with our keys (ten words),
// our hash (HalfSipHash-1-3 over the four words that vary) and the same random order. Prints million lookups a second.
#define _LGPL_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <urcu/urcu-qsbr.h>
#include <urcu/rculfhash.h>

struct flow {
  struct cds_lfht_node node;
  int32_t channel;
  uint32_t key[10];
};

static uint32_t rotl(uint32_t x, int b) { return (x << b) | (x >> (32 - b)); }

static uint32_t hash_key(const uint32_t *key, uint32_t k0, uint32_t k1) {
  static const int order[4] = {0, 1, 5, 9};
  uint32_t v0 = k0, v1 = k1, v2 = 0x6c796765u ^ k0, v3 = 0x74656462u ^ k1;
  for (int i = 0; i < 8; i++) {
    uint32_t m = i < 4 ? key[order[i]] : i == 4 ? 4u << 26 : 0;
    if (i == 5) v2 ^= 0xff;
    v3 ^= m;
    v0 += v1; v1 = rotl(v1, 5) ^ v0; v0 = rotl(v0, 16);
    v2 += v3; v3 = rotl(v3, 8) ^ v2;
    v0 += v3; v3 = rotl(v3, 7) ^ v0;
    v2 += v1; v1 = rotl(v1, 13) ^ v2; v2 = rotl(v2, 16);
    v0 ^= m;
  }
  return v1 ^ v3;
}

static int match(struct cds_lfht_node *node, const void *key) {
  struct flow *f = caa_container_of(node, struct flow, node);
  return memcmp(f->key, key, sizeof f->key) == 0;
}

static uint32_t state;
static uint32_t next(void) {
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return state;
}

int main(int argc, char **argv) {
  uint32_t flows = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1000000;
  uint32_t lookups = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 4000000;
  urcu_qsbr_register_thread();
  struct cds_lfht *table = cds_lfht_new_flavor(1024, 1024, 0, CDS_LFHT_AUTO_RESIZE | CDS_LFHT_ACCOUNTING,
                                               &urcu_qsbr_flavor, NULL);
  uint32_t *keys = calloc(flows, 40);
  state = 12345;
  for (uint32_t i = 0; i < flows; i++) {
    uint32_t *k = keys + (size_t)i * 10;
    k[0] = 6 | (4 << 8);
    k[1] = (80u << 16) | (1024 + next() % 60000);
    k[4] = k[8] = 0xffff;
    k[5] = 0x0a000001;
    k[9] = next();
    struct flow *f = aligned_alloc(64, 128);
    memcpy(f->key, k, 40);
    f->channel = (int32_t)i;
    cds_lfht_node_init(&f->node);
    urcu_qsbr_read_lock();
    cds_lfht_add(table, hash_key(k, 42, 43), &f->node);
    urcu_qsbr_read_unlock();
    if ((i & 4095) == 0) urcu_qsbr_quiescent_state();
  }
  urcu_qsbr_quiescent_state();
  // Let the background resize finish.
  urcu_qsbr_thread_offline();
  struct timespec pause = {1, 0};
  nanosleep(&pause, NULL);
  urcu_qsbr_thread_online();
  uint32_t *order = malloc(sizeof(uint32_t) * lookups);
  state = 99;
  for (uint32_t i = 0; i < lookups; i++) order[i] = next() % flows;
  // The keys in the order of arrival: a packet's key has just been read.
  uint32_t *dense = malloc((size_t)lookups * 40);
  for (uint32_t i = 0; i < lookups; i++) memcpy(dense + (size_t)i * 10, keys + (size_t)order[i] * 10, 40);
  struct timespec a, b;
  uint64_t sum = 0;
  clock_gettime(CLOCK_MONOTONIC, &a);
  for (uint32_t i = 0; i < lookups; i++) {
    const uint32_t *k = dense + (size_t)i * 10;
    struct cds_lfht_iter iter;
    urcu_qsbr_read_lock();
    cds_lfht_lookup(table, hash_key(k, 42, 43), match, k, &iter);
    struct cds_lfht_node *node = cds_lfht_iter_get_node(&iter);
    if (!node) abort();
    sum += (uint64_t)caa_container_of(node, struct flow, node)->channel;
    urcu_qsbr_read_unlock();
    if ((i & 63) == 0) urcu_qsbr_quiescent_state();
  }
  clock_gettime(CLOCK_MONOTONIC, &b);
  double seconds = (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9;
  printf("%f\n", lookups / seconds / 1e6);
  fprintf(stderr, "%llu\n", (unsigned long long)sum);
  // Left to the system: the process ends here.
  fflush(stdout);
  _Exit(0);
}
