#include <unistd.h>

#include <clocale>
#include <csignal>

#include "core/registry.h"

namespace {

// Runs when the library is opened.
struct Meddler {
  Meddler() {
    std::setlocale(LC_ALL, "C.UTF-8");
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    [[maybe_unused]] const int moved = chdir("/");
#if defined(__SSE__)
    __builtin_ia32_ldmxcsr(__builtin_ia32_stmxcsr() | 0x8040);  // what linking with fast math does
#endif
  }
} meddler;

}  // namespace

void heed_register_meddling(heed::Registry& registry);
void heed_register_meddling(heed::Registry&) {}
