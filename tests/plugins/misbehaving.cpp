#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <stdexcept>
#include <vector>

#include "tests/plugins/pass.h"

namespace {
using namespace heed;

[[gnu::noinline]] int recurse(int depth) {
  volatile char room[4096];
  room[0] = static_cast<char>(depth);
  return recurse(depth + 1) + room[0];
}

// A process of its own group, which keeps what it has inherited: the log, and with it the trial's lock.
void leave_a_child() {
  if (fork() == 0) {
    setpgid(0, 0);
    sleep(5);
    _exit(0);
  }
  raise(SIGSEGV);
}

// Another one in another process, though the trial is the same.
std::string from_environment() {
  const char* fault = std::getenv("HEED_TEST_FAULT");
  return fault ? fault : "none";
}

// Does one thing that no variant should, in one of its steps.
template <class S>
class Misbehaving final : public faulty::Pass<S> {
 public:
  struct Options {
    std::string fault = "none";
    Index step = 3;
    void describe(auto& option) {
      option("fault", fault,
             {.choices = {"none", "throws", "throws_a_number", "aborts", "crashes", "exits", "nan", "floods",
                          "closes_everything", "loops", "ignores_sigterm", "eats_memory", "kills_itself",
                          "recurses", "leaves_a_child", "environment"},
              .doc = "what it does"});
      option("step", step, {.min = 1, .doc = "when it does it, from 1"});
    }
  };
  Misbehaving(const Options& options, const LayerSpec<S>& spec, Params<S>& params)
      : faulty::Pass<S>({}, spec, params),
        fault_(options.fault == "environment" ? from_environment() : options.fault),
        at_step_(options.step) {}
  static Traits traits(const Options&) { return {.cross = false}; }

  void backward(Step<S>& step, Seq<const S> dy, Seq<S> dx, Seq<S> dcontext) override {
    faulty::Pass<S>::backward(step, dy, dx, dcontext);
    if (++steps_ == at_step_) misbehave(dx);
  }

 private:
  void misbehave(Seq<S> dx) const {
    std::signal(SIGSEGV, SIG_DFL);  // a sanitizer would make an exit code of it
    if (fault_ == "throws") throw std::runtime_error("the variant does not like this batch");
    if (fault_ == "throws_a_number") throw 42;
    if (fault_ == "aborts") std::abort();
    if (fault_ == "crashes") raise(SIGSEGV);
    if (fault_ == "exits") std::exit(0);
    if (fault_ == "nan") dx.rows().setConstant(std::numeric_limits<S>::quiet_NaN());
    if (fault_ == "kills_itself") raise(SIGKILL);
    if (fault_ == "recurses") recurse(0);
    if (fault_ == "leaves_a_child") leave_a_child();
    if (fault_ == "closes_everything")
      for (int fd = 0; fd < 100; ++fd) close(fd);
    if (fault_ == "ignores_sigterm") std::signal(SIGTERM, SIG_IGN);
    if (fault_ == "floods")
      for (;;) std::puts("a variant that says too much says it again and again and again");
    if (fault_ == "eats_memory")
      for (std::vector<std::vector<char>> eaten;;) eaten.emplace_back(1 << 20, 'x');
    if (fault_ == "loops" || fault_ == "ignores_sigterm")
      for (;;) usleep(1000);
  }
  std::string fault_;
  Index at_step_, steps_ = 0;
};
}  // namespace

HEED_LAYER(misbehaving, Misbehaving, "Does what no variant should")
