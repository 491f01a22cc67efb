#include "core/plugin_host.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <xxhash.h>
#if defined(__SSE__)
#include <xmmintrin.h>
#endif

#include <algorithm>
#include <clocale>
#include <csignal>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <sstream>
#include <string_view>
#include <utility>

#include "core/plugin.h"

namespace heed {
namespace {

using Path = std::filesystem::path;

[[noreturn]] void refuse(const Path& file, const std::string& why) {
  throw PluginError(fmt::format("{}: {}", file.string(), why));
}

std::string read(const Path& file) {
  std::error_code absent;
  const bool regular = std::filesystem::is_regular_file(file, absent);  // opening a FIFO would not end
  std::ifstream in = regular ? std::ifstream(file, std::ios::binary) : std::ifstream();
  if (!regular || !in) refuse(file, "this plugin cannot be read. Is the path right, and has it been built?");
  return {std::istreambuf_iterator<char>(in), {}};
}

// Returns the text after the mark, up to its terminating zero.
std::string stamp_in(const std::string& bytes, const Path& file) {
  constexpr std::string_view mark = HEED_STAMP_MARK;
  const std::size_t at = bytes.find(mark), end = at == std::string::npos ? at : bytes.find('\0', at);
  if (!bytes.starts_with("\x7f"
                         "ELF"))
    refuse(file, "this is not a shared library. A plugin is built by heed_add_plugin (CMake): NAME.so.");
  constexpr std::size_t kLongest = 1000;
  if (end == std::string::npos || end - at > kLongest || bytes.compare(at + mark.size(), 4, "abi=") != 0)
    refuse(file, "this library has no stamp of heed. Build it with heed_add_plugin (CMake).");
  return bytes.substr(at + mark.size(), end - at - mark.size());
}

using Fields = std::vector<std::pair<std::string, std::string>>;

Fields fields(const std::string& stamp) {
  Fields out;
  std::istringstream in(stamp);
  for (std::string part; std::getline(in, part, ';');) {
    const std::size_t equals = std::min(part.find('='), part.size());
    out.emplace_back(part.substr(0, equals), part.substr(std::min(equals + 1, part.size())));
  }
  return out;
}

std::string value(const Fields& all, const std::string& key) {
  const auto at = std::find_if(all.begin(), all.end(), [&](const auto& f) { return f.first == key; });
  return at == all.end() ? "nothing" : at->second;
}

// __builtin_cpu_supports accepts only literals.
bool cpu_has(const std::string& feature) {
#if defined(__x86_64__)
  if (feature == "avx") return __builtin_cpu_supports("avx");
  if (feature == "avx2") return __builtin_cpu_supports("avx2");
  if (feature == "fma") return __builtin_cpu_supports("fma");
  if (feature == "avx512f") return __builtin_cpu_supports("avx512f");
  if (feature == "avx512bw") return __builtin_cpu_supports("avx512bw");
  if (feature == "avx512dq") return __builtin_cpu_supports("avx512dq");
  if (feature == "avx512vl") return __builtin_cpu_supports("avx512vl");
  if (feature == "avx512vnni") return __builtin_cpu_supports("avx512vnni");
#endif
  return false;
}

void check_stamp(const std::string& stamp, const Path& file) {
  const Fields theirs = fields(stamp);
  std::string differences;
  for (const auto& [key, ours] : fields(HEED_STAMP_ABI))
    if (const std::string other = value(theirs, key); other != ours)
      differences += fmt::format("  {}: {} in the plugin, {} in this heed\n", key, other, ours);
  if (!differences.empty())
    refuse(file, fmt::format("this plugin is incompatible with this heed; none of its code was run.\n{}"
                             "  plugin's stamp: {}\n  heed's stamp:   {}\n{}",
                             differences, stamp, HEED_STAMP,
                             value(theirs, "math") == "fast"
                                 ? "Build it again without -ffast-math (or -Ofast), which breaks NaN "
                                   "detection and changes rounding for all of heed."
                                 : "Build it again, in an empty build folder, with the compiler and the "
                                   "version of the heed that loads it."));
  std::istringstream cpu(value(theirs, "cpu"));
  std::string lacking;
  for (std::string feature; cpu >> feature;)
    if (!cpu_has(feature)) lacking += (lacking.empty() ? "" : ", ") + feature;
  if (!lacking.empty())
    refuse(file, fmt::format("this plugin was built for another machine: this one lacks {}. Build it here, "
                             "or without NATIVE and -march.\n  plugin's stamp: {}\n  heed's stamp:   {}",
                             lacking, stamp, HEED_STAMP));
}

// Process state that a library's constructors must not change, because everything that runs later depends
// on it.
class ProcessState {
 public:
  ProcessState() : locale_(std::setlocale(LC_ALL, nullptr)) {
    pthread_sigmask(SIG_BLOCK, nullptr, &mask_);
    std::error_code ignored;
    folder_ = std::filesystem::current_path(ignored);
  }

  // Restores everything, and returns what had changed, in words.
  std::vector<std::string> restore() const {
    const ProcessState now;
    std::vector<std::string> changed;
    if (now.rounding_ != rounding_)
      changed.emplace_back("the rounding mode (was it linked with -ffast-math?)");
    if (now.locale_ != locale_) changed.emplace_back("the locale");
    if (!same_mask(now.mask_)) changed.emplace_back("the signal mask");
    if (now.folder_ != folder_) changed.emplace_back("the working directory");
#if defined(__SSE__)
    _mm_setcsr(rounding_);
#endif
    std::setlocale(LC_ALL, locale_.c_str());
    pthread_sigmask(SIG_SETMASK, &mask_, nullptr);
    std::error_code ignored;
    std::filesystem::current_path(folder_, ignored);
    return changed;
  }

 private:
  bool same_mask(const sigset_t& other) const {
    for (int s = 1; s < NSIG; ++s)
      if (sigismember(&mask_, s) != sigismember(&other, s)) return false;
    return true;
  }
#if defined(__SSE__)
  static constexpr unsigned kExceptionFlags = 0x3f;  // any arithmetic raises them
  unsigned rounding_ = _mm_getcsr() & ~kExceptionFlags;
#else
  unsigned rounding_ = 0;
#endif
  std::string locale_;
  sigset_t mask_{};
  Path folder_;
};

// The names whose registration a library mentions, as "heed_register_NAME(Registry&)": defined or missing.
std::vector<std::string> registered_names(const std::string& bytes) {
  static const std::regex mangled("heed_register_([A-Za-z0-9_]+)RN4heed8RegistryE");
  std::vector<std::string> names;
  for (std::sregex_iterator at(bytes.begin(), bytes.end(), mangled), end; at != end; ++at) {
    const std::string name = (*at)[1];
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  return names;
}

// Returns why a library cannot be opened. If a name of REGISTERS is registered by no source, the message
// contains both names.
std::string open_error(const std::string& reason, const std::string& bytes) {
  const std::vector<std::string> missing = registered_names(reason);
  if (missing.empty())
    return fmt::format("this plugin cannot be opened: {}. Build it again with this heed.", reason);
  std::vector<std::string> others = registered_names(bytes);
  std::erase(others, missing.front());
  return fmt::format(
      "heed_add_plugin (CMake) says that this plugin registers '{}', and its sources register {}. Use the "
      "same name in HEED_MIXER, HEED_LAYER, HEED_POSITION or HEED_TASK and in heed_add_plugin's REGISTERS.",
      missing.front(), others.empty() ? "nothing" : fmt::format("'{}'", fmt::join(others, "', '")));
}

// Opens the library and calls its registration. Exceptions become refusals.
Registry open(const Path& file, const std::string& bytes, PluginOrigin& origin) {
  const ProcessState before;
  const auto check = [&](const char* when) {
    const std::vector<std::string> changed = before.restore();
    if (!changed.empty())
      refuse(file, fmt::format("{} it changed {} of the whole process, which a plugin must not do.", when,
                               fmt::join(changed, ", ")));
  };
  void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  check("when it was opened,");
  if (!library) refuse(file, open_error(dlerror(), bytes));
  const auto* entry = static_cast<const PluginEntry*>(dlsym(library, "heed_plugin_entry"));
  if (!entry || !entry->add || !entry->name || !entry->version)
    refuse(file, "this library has a stamp of heed, but no entry. Build it with heed_add_plugin (CMake).");
  origin.name = entry->name, origin.version = entry->version;
  Registry brought;
  std::string thrown;
  try {
    entry->add(brought);
  } catch (const std::exception& e) {
    thrown = e.what();
  } catch (...) {
    thrown = "an exception that is not a std::exception";
  }
  check("when it registered its contents,");
  if (!thrown.empty()) refuse(file, fmt::format("this plugin could not register its contents: {}", thrown));
  if (brought.variants().empty() && brought.positions().empty() && brought.tasks().empty() &&
      brought.optimizers().empty() && brought.schedules().empty())
    refuse(file,
           "this plugin contains no variant, no position, no optimizer, no schedule and no task. Its sources "
           "end in HEED_MIXER, HEED_LAYER, HEED_POSITION, HEED_TASK, HEED_OPTIMIZER or HEED_SCHEDULE, and "
           "heed_add_plugin's REGISTERS, OPTIMIZERS and SCHEDULES name them.");
  return brought;
}

void load(const Path& file, const std::string& expected_hash, Registry& registry) {
  const std::string bytes = read(file);
  PluginOrigin origin;
  origin.path = std::filesystem::canonical(file).string();
  origin.hash = fmt::format("{:016x}", static_cast<std::uint64_t>(XXH64(bytes.data(), bytes.size(), 0)));
  const auto is_this = [&](const PluginOrigin& p) { return p.hash == origin.hash; };
  if (!expected_hash.empty() && origin.hash != expected_hash)
    refuse(file,
           fmt::format("this plugin has changed since the trial was planned (its hash was {}, it is {}). "
                       "The same `heed run` again uses the new plugin.",
                       expected_hash, origin.hash));
  if (std::any_of(registry.plugins().begin(), registry.plugins().end(), is_this)) return;
  origin.stamp = stamp_in(bytes, file);
  check_stamp(origin.stamp, file);
  Registry brought = open(origin.path, bytes, origin);
  try {
    registry.adopt(std::move(brought), origin);
  } catch (const Error& e) {
    refuse(file, fmt::format("this plugin cannot be added: {}", e.what()));
  }
}

}  // namespace

void load_plugin(const Path& file, Registry& registry) { load(file, "", registry); }
void load_plugin(const PluginOrigin& known, Registry& registry) { load(known.path, known.hash, registry); }

std::vector<Path> plugin_files(const std::string& list) {
  std::vector<Path> files;
  std::istringstream in(list);
  for (std::string part; std::getline(in, part, ':');) {
    if (part.empty()) continue;
    if (!std::filesystem::is_directory(part)) {
      files.emplace_back(part);
      continue;
    }
    std::vector<Path> found;
    for (const auto& entry : std::filesystem::directory_iterator(part))
      if (entry.path().extension() == ".so") found.push_back(entry.path());
    std::sort(found.begin(), found.end());
    files.insert(files.end(), found.begin(), found.end());
  }
  return files;
}

}  // namespace heed
