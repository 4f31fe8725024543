// Ceiling for bench/ring.ts: rigtorp's SPSCQueue<uint32_t> (its header is given by -I) with 1,023 slots between two
// threads. Prints million values a second.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <rigtorp/SPSCQueue.h>

int main(int argc, char **argv) {
  const uint64_t count = argc > 1 ? strtoull(argv[1], nullptr, 10) : 20000000;
  rigtorp::SPSCQueue<uint32_t> queue(1023);
  auto begun = std::chrono::steady_clock::now();
  std::thread consumer([&] {
    for (uint64_t i = 0; i < count; i++) {
      while (!queue.front()) {
      }
      if (*queue.front() != (uint32_t)i) abort();
      queue.pop();
    }
  });
  for (uint64_t i = 0; i < count; i++) queue.push((uint32_t)i);
  consumer.join();
  double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  printf("%f\n", (double)count / seconds / 1e6);
}
