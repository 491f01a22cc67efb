#include "experiments/ranks/mpi_ranks.h"

#include <dlfcn.h>

#include <cfenv>
#include <cstdlib>

#include <fmt/format.h>

#include "core/error.h"
#include "experiments/ranks/launch.h"
#include "experiments/ranks/mpi_module.h"

namespace heed {
namespace {

constexpr const char* kModule = "libheed_mpi.so";

// The module, loaded once. Open MPI's own plugins look for its symbols among the global ones.
struct Loaded {
  void* handle = dlopen(kModule, RTLD_NOW | RTLD_GLOBAL);
  std::string why_not = handle ? "" : dlerror();
};
const Loaded& loaded_module() {
  static const Loaded loaded;
  return loaded;
}

template <class Function>
Function* function(const char* name) {
  void* const handle = loaded_module().handle;
  void* const found = handle ? dlsym(handle, name) : nullptr;
  if (!found) throw Error(fmt::format("{} has no function {}.", kModule, name));
  return reinterpret_cast<Function*>(found);
}

}  // namespace

std::string why_no_mpi() {
#ifndef HEED_MPI
  return "this heed was built without MPI. Install the packages libopenmpi-dev and openmpi-bin, and build "
         "heed again (cmake finds MPI by itself)";
#else
  if (!loaded_module().handle)
    return fmt::format(
        "MPI cannot be loaded: {}. Install the package openmpi-bin; {} belongs into the folder of "
        "libheed_core.so",
        loaded_module().why_not, kModule);
  return "";
#endif
}

std::string why_no_ranks() {
  if (std::string why = why_no_mpi(); !why.empty()) return why;
  if (launcher_program().empty())
    return "the program mpirun, which starts ranks, is not on PATH. Install the package openmpi-bin, or add "
           "the folder of mpirun to PATH";
  return "";
}

MpiRanks::MpiRanks(int ranks, std::size_t piece) {
  if (!loaded_module().handle) throw Error(why_no_mpi() + ".");
  std::fenv_t environment;
  std::fegetenv(&environment);
  communicator_ = function<decltype(heed_mpi_open)>("heed_mpi_open")(piece);
  std::fesetenv(&environment);  // MPI loads libraries, which may change how numbers are rounded
  if (communicator_->size() != ranks)
    throw Error(
        fmt::format("this process is one of {} ranks, but its trial needs {}. `heed run` starts them.",
                    communicator_->size(), ranks));
}

void MpiRanks::finish() { function<decltype(heed_mpi_close)>("heed_mpi_close")(communicator_); }

void MpiRanks::abort(int code) {
  function<decltype(heed_mpi_abort)>("heed_mpi_abort")(code);
  std::abort();
}

}  // namespace heed
