#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/config.h"
#include "core/index.h"
#include "core/options.h"
#include "core/task.h"
#include "core/traits.h"

namespace heed {

// The types that entries create. A file that calls `make` includes core/layer.h, core/optimizer.h,
// core/position.h or core/schedule.h.
template <class S>
class HeadKernel;
template <class S>
class Layer;
template <class S>
class Optimizer;
class Schedule;
struct ScheduleSpec;
template <class S>
struct LayerSpec;
template <class S>
class Params;
template <class S>
class Position;

// What `heed list` prints about an entry.
struct About {
  std::string summary;     // one line
  std::string paper = "";  // "Vaswani et al. 2017"
};

// The file of a plugin. Its hash is part of the id of every trial that uses it.
struct PluginOrigin {
  std::string name, version, path, stamp;
  std::string hash;  // 16 hex digits: xxHash64 of the file
};

// A registered variant, position, optimizer, schedule or task: its name, description and options.
struct Entry {
  std::string name;
  About about;
  std::vector<OptionInfo> options;
  // Checks the options that a user gave (a map or null) and fills in the defaults. path: of the options, for
  // messages.
  std::function<Config(const Config& given, const std::string& path, Problems& problems)> resolve;
  std::shared_ptr<const PluginOrigin> plugin = {};  // the plugin that registered it; null: built in

  // Returns those of `given` (a map) that are options of this entry.
  Config own_options(const Config& given) const;
};

template <class S>
using MakeLayer =
    std::function<std::unique_ptr<Layer<S>>(const Config& options, const LayerSpec<S>&, Params<S>&)>;
template <class S>
using MakeKernel =
    std::function<std::unique_ptr<HeadKernel<S>>(const Config& options, const LayerSpec<S>&, Params<S>&)>;

struct VariantInfo : Entry {
  std::function<Traits(const Config& options)> traits = {};
  std::function<BlockStyle(const Config& options)> block_style = {};
  MakeLayer<float> make_float = {};
  MakeLayer<double> make_double = {};
  MakeKernel<float> make_kernel_float = {};  // of mixers; empty for layers
  MakeKernel<double> make_kernel_double = {};

  // Throws: heed::Error if the spec does not suit the variant (heads that do not divide the width).
  template <class S>
  std::unique_ptr<Layer<S>> make(const Config& chosen, const LayerSpec<S>& spec, Params<S>& params) const {
    if constexpr (std::is_same_v<S, float>)
      return make_float(chosen, spec, params);
    else
      return make_double(chosen, spec, params);
  }

  bool is_mixer() const { return static_cast<bool>(make_kernel_double); }
  // Makes only the mixing of q, k and v, without projections. Throws as make does. Requires: is_mixer.
  template <class S>
  std::unique_ptr<HeadKernel<S>> make_kernel(const Config& chosen, const LayerSpec<S>& spec,
                                             Params<S>& params) const {
    if constexpr (std::is_same_v<S, float>)
      return make_kernel_float(chosen, spec, params);
    else
      return make_kernel_double(chosen, spec, params);
  }
};

struct PositionSpec {
  Index dim = 0, heads = 1, length = 0;  // of the model; length: of the longest sequence
  Index columns = 0;                     // positions in a row of the task's grid; 0: it has none
};

template <class S>
using MakePosition =
    std::function<std::unique_ptr<Position<S>>(const Config& options, const PositionSpec&, Params<S>&)>;

struct PositionInfo : Entry {
  std::function<PositionTraits(const Config& options)> traits = {};
  MakePosition<float> make_float = {};
  MakePosition<double> make_double = {};

  template <class S>
  std::unique_ptr<Position<S>> make(const Config& chosen, const PositionSpec& spec, Params<S>& params) const {
    if constexpr (std::is_same_v<S, float>)
      return make_float(chosen, spec, params);
    else
      return make_double(chosen, spec, params);
  }
};

template <class S>
using MakeOptimizer = std::function<std::unique_ptr<Optimizer<S>>(const Config& options, Params<S>&)>;

struct OptimizerInfo : Entry {
  MakeOptimizer<float> make_float = {};
  MakeOptimizer<double> make_double = {};

  // Requires: params are frozen and outlive the optimizer.
  template <class S>
  std::unique_ptr<Optimizer<S>> make(const Config& chosen, Params<S>& params) const {
    if constexpr (std::is_same_v<S, float>)
      return make_float(chosen, params);
    else
      return make_double(chosen, params);
  }
};

struct ScheduleInfo : Entry {
  // Throws heed::Error if the spec does not suit the schedule (a decay longer than all steps).
  std::function<std::unique_ptr<Schedule>(const Config& options, const ScheduleSpec&)> make = {};
};

struct TaskInfo : Entry {
  std::function<std::unique_ptr<Task>(const Config& options, std::uint64_t seed)> make = {};
};

// Returns why nothing may be registered under a name that sweep files use for something else ("'stack' is how
// a sweep file ..."); empty if it may.
std::string refuse_reserved(std::string_view name);

// All registered entries. An ordinary object, filled by functions and passed by reference: no global, no
// static constructors. Registering a name twice is an error. Reading is safe from several threads.
class Registry {
 public:
  // Defined in core/register.h. The second parameter of each is what GCC 12 names a function by: without it
  // two files with structs of one name, each in an anonymous namespace, would share the first one's code.

  // M<S> is a mixer as core/mixer.h describes it.
  template <template <class> class M, class = M<double>>
  void add_mixer(const std::string& name, About about);

  // L<S> derives from Layer<S>; has Options; is built from (Options, LayerSpec<S>, Params<S>&); may have
  // static traits(Options) and static block_style(Options).
  template <template <class> class L, class = L<double>>
  void add_layer(const std::string& name, About about);

  // P<S> derives from Position<S>, has Options, is built from (Options, PositionSpec, Params<S>&); may have
  // static PositionTraits traits(Options).
  template <template <class> class P, class = P<double>>
  void add_position(const std::string& name, About about);

  // O<S> derives from Optimizer<S>, has Options, is built from (Options, Params<S>&).
  template <template <class> class O, class = O<double>>
  void add_optimizer(const std::string& name, About about);

  // C derives from Schedule, has Options, is built from (Options, ScheduleSpec).
  template <class C>
  void add_schedule(const std::string& name, About about);

  // T derives from Task, has Options, is built from (Options, seed). Options may have a member
  // `void use_cache(const std::string& folder)`, which is called first, with the folder of set_task_cache.
  template <class T>
  void add_task(const std::string& name, About about);

  // Sets the folder in which the tasks added here find what was computed before, as trained subwords; empty,
  // the default: none. Requires: no other thread uses this registry.
  void set_task_cache(std::string folder) { *task_cache_ = std::move(folder); }

  // Takes all entries that a plugin has registered. Throws: heed::Error if a name is registered already; this
  // registry is then unchanged.
  void adopt(Registry other, const PluginOrigin& origin);
  const std::vector<PluginOrigin>& plugins() const { return plugins_; }

  const std::vector<VariantInfo>& variants() const { return variants_; }
  const std::vector<PositionInfo>& positions() const { return positions_; }
  const std::vector<OptimizerInfo>& optimizers() const { return optimizers_; }
  const std::vector<ScheduleInfo>& schedules() const { return schedules_; }
  const std::vector<TaskInfo>& tasks() const { return tasks_; }

  // Each returns nullptr if the name is unknown.
  const VariantInfo* find_variant(std::string_view name) const;
  const PositionInfo* find_position(std::string_view name) const;
  const OptimizerInfo* find_optimizer(std::string_view name) const;
  const ScheduleInfo* find_schedule(std::string_view name) const;
  const TaskInfo* find_task(std::string_view name) const;

  // Returns what kind of thing has this name: "an attention variant", "a feed-forward", "a kind of position",
  // "an optimizer", "a schedule" or "a task"; empty if nothing has it.
  std::string kind_of(std::string_view name) const;

  // Throws: heed::Error, with the nearest name, if the name is unknown.
  const VariantInfo& variant(std::string_view name) const;
  const PositionInfo& position(std::string_view name) const;
  const OptimizerInfo& optimizer(std::string_view name) const;
  const ScheduleInfo& schedule(std::string_view name) const;
  const TaskInfo& task(std::string_view name) const;

 private:
  void add(VariantInfo info);
  void add(PositionInfo info);
  void add(OptimizerInfo info);
  void add(ScheduleInfo info);
  void add(TaskInfo info);

  std::vector<VariantInfo> variants_;
  std::vector<PositionInfo> positions_;
  std::vector<OptimizerInfo> optimizers_;
  std::vector<ScheduleInfo> schedules_;
  std::vector<TaskInfo> tasks_;
  std::vector<PluginOrigin> plugins_;
  // Shared with the functions of the tasks, which remain valid when a registry is moved.
  std::shared_ptr<std::string> task_cache_ = std::make_shared<std::string>();
};

template <class E>
std::vector<std::string> names(const std::vector<E>& entries) {
  std::vector<std::string> out;
  for (const E& e : entries) out.push_back(e.name);
  return out;
}

void register_builtin_variants(Registry& registry);  // variants, positions, optimizers and schedules of the
                                                     // tree; made by CMake (variants/CMakeLists.txt)

namespace detail {

// begin: returns the options before they are read.
template <class O>
Entry make_entry(
    const std::string& name, About about, std::function<O()> begin = [] { return O(); }) {
  return {name, std::move(about), list_options<O>(),
          [name, begin](const Config& given, const std::string& path, Problems& problems) {
            O options = begin();
            read_options(options, given, path, '\'' + name + '\'', problems);
            return write_options(options);
          }};
}

}  // namespace detail

template <class T>
void Registry::add_task(const std::string& name, About about) {
  using O = typename T::Options;
  const auto begin = [cache = task_cache_] {
    O options;
    if constexpr (requires { options.use_cache(*cache); }) options.use_cache(*cache);
    return options;
  };
  TaskInfo info{detail::make_entry<O>(name, std::move(about), begin)};
  info.make = [name, begin](const Config& c, std::uint64_t seed) -> std::unique_ptr<Task> {
    return std::make_unique<T>(make_options<O>(c, name, begin()), seed);
  };
  add(std::move(info));
}

}  // namespace heed

// Defines the function that the generated list calls. The macros for variants are in core/register.h.
#define HEED_TASK(name, Task, ...)                              \
  void heed_register_##name(::heed::Registry& registry);        \
  void heed_register_##name(::heed::Registry& registry) {       \
    registry.add_task<Task>(#name, ::heed::About{__VA_ARGS__}); \
  }
